// Sound that is made, the same from the same seed: talk, music, noise and silence, as episodes have them.

export const SAMPLE_RATE = 22_050;

export type Random = () => number;

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const samplesOf = (seconds: number): number => Math.round(seconds * SAMPLE_RATE);

export const silence = (seconds: number): Float32Array => new Float32Array(samplesOf(seconds));

export function noise(seconds: number, random: Random, level = 0.05): Float32Array {
  return silence(seconds).map(() => (random() * 2 - 1) * level);
}

export function tone(seconds: number, hertz: number, level = 0.2): Float32Array {
  return silence(seconds).map((_, at) => Math.sin((2 * Math.PI * hertz * at) / SAMPLE_RATE) * level);
}

/** Chords that change, a melody above them, and a drum: no bar is like another. */
export function music(seconds: number, random: Random, level = 0.5): Float32Array {
  const into = silence(seconds);
  const root = 110 * 2 ** (Math.floor(random() * 12) / 12);
  const scale = [0, 2, 3, 5, 7, 8, 10, 12, 14, 15];
  const beatS = 0.3 + random() * 0.25;
  for (let startS = 0; startS < seconds; startS += beatS) {
    const isBar = Math.round(startS / beatS) % 4 === 0;
    const degree = Math.floor(random() * 7);
    if (isBar)
      for (const step of [0, 2, 4]) note(into, startS, beatS * 4, root * 2 ** ((scale[(degree + step) % 10] ?? 0) / 12), level * 0.2);
    const rest = random();
    if (rest > 0.2)
      note(into, startS, beatS * (rest > 0.7 ? 1 : 0.5), root * 2 * 2 ** ((scale[Math.floor(random() * 10)] ?? 0) / 12), level * 0.35);
    drum(into, startS, random, level * (isBar ? 0.4 : 0.2));
  }
  return into;
}

/** Syllables of a voice that rises and falls, with pauses, over the sound of a room. */
export function talk(seconds: number, random: Random, level = 0.4): Float32Array {
  const into = noise(seconds, random, level * 0.03);
  for (let startS = random(); startS < seconds; ) {
    const voice = 90 + random() * 160;
    const words = 2 + Math.floor(random() * 8);
    for (let word = 0; word < words && startS < seconds; word++) {
      const lengthS = 0.1 + random() * 0.2;
      const formant = 300 + random() * 2_000;
      for (let harmonic = 1; harmonic <= 14; harmonic++) {
        const hertz = voice * harmonic * (1 + (random() - 0.5) * 0.02);
        note(into, startS, lengthS, hertz, (level * 0.4) / (1 + Math.abs(hertz - formant) / 200), false);
      }
      startS += lengthS + random() * 0.05;
    }
    startS += 0.3 + random() * 2;
  }
  return into;
}

export function mix(...sounds: readonly Float32Array[]): Float32Array {
  const into = new Float32Array(Math.max(...sounds.map(({ length }) => length)));
  for (const sound of sounds) for (const [at, value] of sound.entries()) into[at] = (into[at] ?? 0) + value;
  return into;
}

export function join(...sounds: readonly Float32Array[]): Float32Array {
  const into = new Float32Array(sounds.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const sound of sounds) {
    into.set(sound, at);
    at += sound.length;
  }
  return into;
}

/** 16-bit mono. */
export function wav(sound: Float32Array, level = 1): Buffer {
  const bytes = Buffer.alloc(44 + sound.length * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + sound.length * 2, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  for (const [value, offset, size] of [
    [16, 16, 4],
    [1, 20, 2],
    [1, 22, 2],
    [SAMPLE_RATE, 24, 4],
    [SAMPLE_RATE * 2, 28, 4],
    [2, 32, 2],
    [16, 34, 2],
  ] as const)
    bytes.writeUIntLE(value, offset, size);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(sound.length * 2, 40);
  for (const [at, value] of sound.entries()) bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, value * level)) * 32_767), 44 + at * 2);
  return bytes;
}

function note(into: Float32Array, startS: number, lengthS: number, hertz: number, level: number, isPlucked = true): void {
  const from = samplesOf(startS);
  const count = Math.min(samplesOf(lengthS), into.length - from);
  const overtones = isPlucked ? 4 : 1;
  for (let at = 0; at < count; at++) {
    const attack = Math.min(1, at / (0.01 * SAMPLE_RATE), (count - at) / (0.01 * SAMPLE_RATE));
    const fade = isPlucked ? Math.exp(-at / (0.5 * SAMPLE_RATE)) : 1;
    let value = 0;
    for (let overtone = 1; overtone <= overtones; overtone++)
      value += Math.sin((2 * Math.PI * hertz * overtone * at) / SAMPLE_RATE) / overtone ** 1.5;
    into[from + at] = (into[from + at] ?? 0) + value * level * attack * fade;
  }
}

function drum(into: Float32Array, startS: number, random: Random, level: number): void {
  const from = samplesOf(startS);
  const count = Math.min(samplesOf(0.08), into.length - from);
  for (let at = 0; at < count; at++)
    into[from + at] = (into[from + at] ?? 0) + (random() * 2 - 1) * level * Math.exp(-at / (0.02 * SAMPLE_RATE));
}
