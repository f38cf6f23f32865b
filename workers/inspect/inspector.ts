// The process that reads files nobody has vouched for: one at a time, within limits of memory, and ended from outside when it stalls.
// It owns nothing: whatever becomes of it, the server starts another one.
import net from 'node:net';
import { FerriteError, toErrorRecord } from '#domain/errors.ts';
import type { FromInspector, InspectionHandlers, InspectionType, ToInspector } from '#domain/inspector-protocol.ts';
import { LineReader } from '#domain/line-reader.ts';
import { SpawnerClient, toolRunner } from '#workers/programs/spawner-client.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import { resizeArtwork } from './artwork.ts';
import { inspectMedia } from './inspect.ts';
import { compareSeason } from './markers/season.ts';
import { listenTo } from './markers/sound.ts';
import { cutPoster } from './poster.ts';
import { makePreviews } from './previews.ts';
import { measureRates } from './rates/rates.ts';

const ALIVE_INTERVAL_MS = 1_000;
const MAX_LINE = 1024 * 1024;

const [, , spawnerSocketPath, ffmpeg, ffprobe] = process.argv;
if (spawnerSocketPath === undefined || ffmpeg === undefined || ffprobe === undefined)
  throw new Error('usage: inspector.ts <socket path of the process starter> <ffmpeg> <ffprobe>');

const spawner = new SpawnerClient(spawnerSocketPath);
const runTool = toolRunner(spawner, { ffmpeg, ffprobe });
const handlers: InspectionHandlers = {
  inspect: ({ path }) => inspectMedia(path, { runTool, openRemuxSource }),
  previews: input => makePreviews(input, { runTool, openRemuxSource }),
  rates: input => measureRates(input, { runTool, openRemuxSource }),
  artwork: async ({ path, ...options }) => ({ base64: (await resizeArtwork(path, { runTool, ...options })).toString('base64') }),
  sound: input => listenTo(input, runTool),
  season: async input => compareSeason(input),
  poster: async ({ path, ...options }) => ({ base64: (await cutPoster(path, { runTool, ...options })).toString('base64') }),
};

// Its standard input is one socket for both directions.
const server = new net.Socket({ fd: 0, readable: true, writable: true });
const send = (message: FromInspector): void => void server.write(`${JSON.stringify(message)}\n`);

async function answer<T extends InspectionType>(type: T, input: Parameters<InspectionHandlers[T]>[0]): Promise<void> {
  const residentBytes = () => process.memoryUsage.rss();
  try {
    const output = await handlers[type](input);
    send({ kind: 'reply', output, residentBytes: residentBytes() });
  } catch (error) {
    // What is no FerriteError is a mistake of ours: its stack goes to the server's log by way of stderr.
    if (!(error instanceof FerriteError)) console.error(error);
    send({ kind: 'failure', error: toErrorRecord(error), residentBytes: residentBytes() });
  }
}

const lines = new LineReader({
  maxLength: MAX_LINE,
  onLine: line => {
    const { type, input } = JSON.parse(line) as ToInspector;
    void answer(type, input);
  },
  onTooLong: () => process.exit(1),
});
server.setEncoding('utf8');
server.on('data', (text: string) => lines.push(text));
// Nobody waits for an answer any more: the process starter ends what was started here.
server.on('close', () => process.exit(0)).on('error', () => process.exit(0));
setInterval(() => send({ kind: 'alive' }), ALIVE_INTERVAL_MS);
send({ kind: 'ready' });
