// A thread for one subtitle file: what it parses is its answer.
import { parentPort, workerData } from 'node:worker_threads';
import type { Rational } from '#domain/media.ts';
import { parseSubtitles } from './formats.ts';

const { bytes, frameRate } = workerData as { bytes: Uint8Array; frameRate: Rational };
parentPort?.postMessage(parseSubtitles(bytes, frameRate));
