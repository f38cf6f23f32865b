// Log lines: JSON on standard output, for people where that is a terminal. No secret is logged.
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export function createLogger(level: string, isTerminal: boolean): Logger {
  const stream: DestinationStream = isTerminal
    ? pretty({ colorize: true, ignore: 'pid,hostname', sync: true })
    : destination({ dest: 1, sync: true });
  return pino({ level, base: null, redact: ['token', 'password', '*.token', '*.password', 'headers.authorization'] }, stream);
}
