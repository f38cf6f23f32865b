// What tells a file by its bytes alone: the same wherever it is moved, and when.
import { createHash } from 'node:crypto';

/** So many bytes of a file's beginning and of its end are looked at. */
export const FINGERPRINT_SAMPLE_BYTES = 64 * 1024;

export type FileSamples = { readonly byteLength: number; readonly head: Uint8Array; readonly tail: Uint8Array };

export const fingerprintOf = (samples: FileSamples): string => hashOfSamples(`${samples.byteLength}\0`, samples);

export const hashOfSamples = (facts: string, { head, tail }: FileSamples): string =>
  createHash('sha256').update(facts).update(head).update(tail).digest('hex').slice(0, 32);
