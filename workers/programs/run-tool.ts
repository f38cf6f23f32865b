// How workers start ffmpeg and ffprobe and wait for their end: one function, handed in, so that one file decides how a process is started.
import type { Socket } from 'node:net';
import type { ProgramLimits } from './limits.ts';

/** `socket` is its stdin, which may be written to once it runs. */
export type FedProgram = { readonly socket: Socket; readonly spawned: Promise<void> };

export type RunToolOptions = {
  /** The process is ended when it has run this long. */
  readonly deadlineMs: number;
  /** The process is ended when it has written more than this to stdout. */
  readonly maxOutputBytes: number;
  readonly limits?: ProgramLimits;
  readonly signal?: AbortSignal;
  /** Writes what the program reads; what it rejects with ends the program. */
  readonly feed?: (program: FedProgram) => Promise<void>;
};

export type ToolResult = {
  readonly stdout: Buffer;
  /** The last bytes that the program wrote to stderr. */
  readonly stderrTail: string;
  /** Null when the process died of a signal. */
  readonly exitCode: number | null;
};

/** Never a shell. Resolves when the program has ended by itself; rejects when it could not be started, or passed a bound or was aborted and had to be ended. */
export type RunTool = (tool: 'ffmpeg' | 'ffprobe', args: readonly string[], options: RunToolOptions) => Promise<ToolResult>;
