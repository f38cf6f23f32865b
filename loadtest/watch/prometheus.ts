// The server's metrics, read from /metrics.
import { LeanConnection } from '../client/lean-connection.ts';

export class ServerMetrics {
  readonly #lines: readonly string[];

  static async read(url: string): Promise<ServerMetrics> {
    const connection = new LeanConnection(url);
    try {
      return new ServerMetrics((await connection.send('/metrics', { keepsBody: true })).body);
    } finally {
      connection.close();
    }
  }

  private constructor(text: string) {
    this.#lines = text.split('\n').filter(line => !line.startsWith('#'));
  }

  /** The sum of all its series that carry these labels; 0 where there is none. @param labels as `outcome="started"` */
  sum(name: string, ...labels: readonly string[]): number {
    const matching = this.#lines.filter(line => nameOf(line) === name && labels.every(label => line.includes(label)));
    return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
}

const nameOf = (line: string): string => line.slice(0, Math.max(0, line.search(/[{ ]/)));
