import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOCK_PERIOD, JumpingClock, TICKS_PER_SECOND } from '#workers/mended/jumping-clock.ts';

const PICTURE = 0;
const SOUND = 1;
const FRAME = 3_600;

/** Packets of `seconds` of picture and sound side by side, by their times in seconds; where each stands in the file is counted on. */
function stretch(position: number, { picture, sound }: { picture?: number; sound?: number }, seconds = 20) {
  return Array.from({ length: seconds * 25 }, (_, at) => {
    const packet = (stream: number, start: number) => {
      const time = Math.round(start * TICKS_PER_SECOND) + at * FRAME;
      const isKeyPicture = stream === PICTURE && at % 50 === 0;
      return { stream, pts: time, dts: time, duration: FRAME, position: position + at * 2 + stream, isKeyPicture };
    };
    return [...(picture === undefined ? [] : [packet(PICTURE, picture)]), ...(sound === undefined ? [] : [packet(SOUND, sound)])];
  }).flat();
}

/** Seconds on the mended clock, counted from its start. */
function mend(...stretches: ReturnType<typeof stretch>[]) {
  const clock = new JumpingClock([PICTURE]);
  const times = stretches.flat().map(({ stream, ...packet }) => ({ stream, ticks: packet.pts + clock.offsetOf(stream, packet) }));
  const mended = clock.mended('mpegts', { ids: new Map([PICTURE, SOUND].map(stream => [stream, 0x100 + stream])), texts: new Map() });
  const of = (stream: number): number[] =>
    times.filter(one => one.stream === stream).map(({ ticks }) => (ticks + clock.shift) / TICKS_PER_SECOND - 10);
  return { mended, picture: of(PICTURE), sound: of(SOUND) };
}

const isEven = (times: readonly number[]): boolean =>
  times.every((time, at) => at === 0 || Math.abs(time - (times[at - 1] ?? 0) - 0.04) < 0.001);

test('a clock without jumps is left alone', () => {
  assert.equal(mend(stretch(0, { picture: 1.4, sound: 1.4 })).mended, null);
});

test('a hole shorter than ten seconds stays where it is', () => {
  assert.equal(mend(stretch(0, { picture: 1, sound: 1 }), stretch(1_000, { picture: 28, sound: 28 })).mended, null);
});

test('sound that pauses is no jump', () => {
  const film = [stretch(0, { picture: 1, sound: 1 }), stretch(1_000, { picture: 21 }), stretch(2_000, { picture: 41, sound: 41 })];
  assert.equal(mend(...film).mended, null);
});

for (const [what, picture, sound] of [
  ['begins again', 1, 1],
  ['goes back a second', 20, 20],
  ['jumps an hour ahead', 3_600, 3_600],
  ['jumps, that of the sound elsewhere', 3_600, 9_000],
] as const) {
  test(`a clock that ${what} goes on`, () => {
    const mended = mend(stretch(0, { picture: 1, sound: 1 }), stretch(1_000, { picture, sound }));
    assert.ok(isEven(mended.picture) && isEven(mended.sound));
    assert.equal(mended.picture.at(-1), mended.sound.at(-1));
    assert.deepEqual(
      mended.mended?.tracks.map(({ id, changes }) => [id, changes.map(({ position }) => position)]),
      [
        [0x100, [0, 1_000]],
        [0x101, [0, 1_001]],
      ],
    );
  });
}

test('sound keeps its distance to the picture across a joint', () => {
  const { picture, sound } = mend(stretch(0, { picture: 1, sound: 1 }), stretch(1_000, { picture: 100, sound: 100.06 }));
  assert.ok(Math.abs((sound.at(-1) ?? 0) - (picture.at(-1) ?? 0) - 0.06) < 0.001);
});

test('what follows a joint begins after the longer track', () => {
  const { picture } = mend(
    stretch(0, { picture: 1, sound: 1 }),
    stretch(1_000, { sound: 21 }, 3),
    stretch(2_000, { picture: 500, sound: 500 }),
  );
  assert.ok(Math.abs((picture[500] ?? 0) - 23) < 0.05, `${picture[500]}`);
});

test('one wrong time costs nothing of what follows', () => {
  const film = stretch(0, { picture: 1, sound: 1 });
  const wrong = film.map((packet, at) => (at === 400 ? { ...packet, pts: packet.pts + 1e9, dts: packet.dts + 1e9 } : packet));
  const { picture, sound } = mend(wrong);
  assert.ok(isEven(picture) && isEven(sound));
});

test('a clock that has run over, as ffprobe tells it, is one of 33 bits', () => {
  for (const start of [-4, CLOCK_PERIOD / TICKS_PER_SECOND - 4]) {
    const { mended, picture } = mend(stretch(0, { picture: start, sound: start }));
    assert.equal(picture[0], 0);
    assert.equal(mended?.tracks[0]?.changes.length, 1);
  }
});

test('reading may begin at keyframes two seconds apart, from where all later sound comes', () => {
  const { mended } = mend(stretch(0, { picture: 5_000, sound: 5_000 }), stretch(1_000, { picture: 1, sound: 1 }));
  const points = mended?.points ?? [];
  assert.equal(points.length, 20);
  assert.deepEqual(points[11], { position: 1_100, picture: 32 * TICKS_PER_SECOND, sound: 32 * TICKS_PER_SECOND });
});
