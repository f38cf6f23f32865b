// What a stretch of sound is recognised by: a number for each eighth of a second (Chromaprint), whose bits say how the strengths of the twelve notes change.

/** How far apart two numbers are: 4096 samples, a third of which is new, at 11 025 Hz. */
export const STEP_MS = (1000 * (4096 - Math.floor((4096 * 2) / 3))) / 11_025;

/** Each number is told by so much of the sound from its time on. */
export const SPAN_MS = (1000 * 4096) / 11_025 + 15 * STEP_MS;

/** A part of one file. */
export type Fingerprint = {
  /** Media time of the first number. */
  readonly startMs: number;
  readonly values: Uint32Array;
};

/** Little-endian, as ffmpeg writes it: base64 for a line of JSON. */
export const packFingerprint = (values: Uint32Array): Uint8Array => {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of values.entries()) view.setUint32(at * 4, value, true);
  return bytes;
};

export function unpackFingerprint(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: Math.floor(bytes.byteLength / 4) }, (_, at) => view.getUint32(at * 4, true));
}
