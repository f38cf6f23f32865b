// What a picture and a stretch of sound of the clock films tell of the time: a number in squares, and a tone that rises with the film.
export const FRAME_RATE = 24;
export const FRAME_S = 1 / FRAME_RATE;

/** The picture's top row is so many squares wide: the bits of its number, then a pattern that no other picture has. */
export const COLUMNS = 16;
export const NUMBER_BITS = 12;
/** Of the columns behind the number. */
export const PATTERN = [true, false, true, false] as const;
/** The row's share of the picture's height. */
export const ROWS = 9;

/** The tone rises by so much a second, and begins anew after the period. */
export const LOWEST_HZ = 300;
export const RISE_HZ_PER_S = 150;
export const PERIOD_S = 60;
/** Stands beside the tone in every other audio track than the first. */
export const PILOT_HZ = 11_000;
export const SAMPLE_RATE = 48_000;

/** The number of a picture, from the brightness of its squares; null when it is none of the film's. */
export function numberOf(squares: readonly number[]): number | null {
  const isWhite = squares.map(brightness => brightness > 128);
  if (squares.length !== COLUMNS || PATTERN.some((white, at) => isWhite[NUMBER_BITS + at] !== white)) return null;
  return isWhite.slice(0, NUMBER_BITS).reduce((number, white, bit) => number + (white ? 2 ** bit : 0), 0);
}

/** The brightness of a picture's squares, whose pixels are a byte each. */
export function squaresOf(gray: Uint8Array, { width, height }: { width: number; height: number }): number[] {
  const row = Math.floor(height / ROWS / 2);
  return Array.from({ length: COLUMNS }, (_, column) => gray[row * width + Math.floor(((column + 0.5) * width) / COLUMNS)] ?? 0);
}

export type Tone = {
  /** Where in the period the middle of the stretch is. */
  readonly phaseS: number;
  /** It is not the first audio track. */
  readonly hasPilot: boolean;
};

const MIN_AMPLITUDE = 0.01;

/** What the middle of a stretch of sound tells; null for silence, and where the tone begins anew. */
export function toneOf(samples: Float32Array, sampleRate = SAMPLE_RATE): Tone | null {
  const size = 2 ** Math.floor(Math.log2(samples.length));
  const from = Math.floor((samples.length - size) / 2);
  const spectrum = amplitudes(samples.subarray(from, from + size));
  const binHz = sampleRate / size;
  const first = Math.floor((LOWEST_HZ - 100) / binHz);
  const last = Math.ceil((LOWEST_HZ + RISE_HZ_PER_S * PERIOD_S + 100) / binHz);
  let peak = first;
  for (let bin = first; bin <= last; bin++) if ((spectrum[bin] ?? 0) > (spectrum[peak] ?? 0)) peak = bin;
  const height = spectrum[peak] ?? 0;
  if (height < MIN_AMPLITUDE) return null;
  // A rising tone is a plateau in the spectrum: the middle of its mass is the frequency in the middle of the stretch.
  const reach = Math.ceil(40 / binHz);
  let mass = 0;
  let moment = 0;
  for (let bin = peak - reach; bin <= peak + reach; bin++) {
    const power = (spectrum[bin] ?? 0) ** 2;
    mass += power;
    moment += power * bin;
  }
  const phaseS = ((moment / mass) * binHz - LOWEST_HZ) / RISE_HZ_PER_S;
  const edgeS = size / sampleRate;
  if (phaseS < edgeS || phaseS > PERIOD_S - edgeS) return null;
  const pilot = Math.round(PILOT_HZ / binHz);
  return { phaseS, hasPilot: Math.max(...spectrum.subarray(pilot - 2, pilot + 3)) > height / 10 };
}

/** How far the tone is behind the clock; negative when it is ahead. */
export function lagS({ phaseS }: Tone, clockS: number): number {
  const lag = (((clockS - phaseS) % PERIOD_S) + PERIOD_S) % PERIOD_S;
  return lag > PERIOD_S / 2 ? lag - PERIOD_S : lag;
}

/** The spectrum under a Hann window, one value for each frequency up to half the sample rate. */
function amplitudes(samples: Float32Array): Float64Array {
  const size = samples.length;
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  const bits = Math.log2(size);
  for (let at = 0; at < size; at++) {
    let mirrored = 0;
    for (let bit = 0; bit < bits; bit++) if (at & (1 << bit)) mirrored |= 1 << (bits - 1 - bit);
    real[mirrored] = (samples[at] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * at) / size));
  }
  for (let half = 1; half < size; half *= 2) {
    for (let start = 0; start < size; start += 2 * half) {
      for (let at = start; at < start + half; at++) {
        const angle = (-Math.PI * (at - start)) / half;
        const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
        const [a, b] = [real[at + half] ?? 0, imaginary[at + half] ?? 0];
        const [turnedReal, turnedImaginary] = [a * cosine - b * sine, a * sine + b * cosine];
        real[at + half] = (real[at] ?? 0) - turnedReal;
        imaginary[at + half] = (imaginary[at] ?? 0) - turnedImaginary;
        real[at] = (real[at] ?? 0) + turnedReal;
        imaginary[at] = (imaginary[at] ?? 0) + turnedImaginary;
      }
    }
  }
  return Float64Array.from({ length: size / 2 }, (_, bin) => (4 * Math.hypot(real[bin] ?? 0, imaginary[bin] ?? 0)) / size);
}
