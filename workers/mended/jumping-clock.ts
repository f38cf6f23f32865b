// The clock of a film whose own jumps: joined broadcasts, a clock of 33 bits that begins again, packets that are missing. Made continuous as
// ffmpeg's tools do it, from the times of its packets in the order of the file.
import type { MendedClock, MendedTrack } from '#domain/media.ts';

/** Of the clock of MPEG-2 systems (ISO/IEC 13818-1, 2.4.3.7). */
export const TICKS_PER_SECOND = 90_000;
export const CLOCK_PERIOD = 2 ** 33;

/** ffmpeg's `dts_delta_threshold`: less is a hole in the film, more a jump of its clock. */
const LONGEST_HOLE = 10 * TICKS_PER_SECOND;
/** Less backwards is jitter. */
const LEAST_STEP_BACK = TICKS_PER_SECOND / 10;
/** By so much one track may end after another where two films are joined: what follows begins after both. */
const MOST_OVERHANG = 60 * TICKS_PER_SECOND;
const LEAST_OVERHANG = TICKS_PER_SECOND / 2;
/** Where the mended clock begins: nothing on it is negative, and it is far from its own end. */
const START = 10 * TICKS_PER_SECOND;
const POINT_DISTANCE = 2 * TICKS_PER_SECOND;
/** What changes more often has no clock. */
const MAX_CHANGES = 10_000;

export type Packet = {
  /** Of the file's own clock; NaN: not known. */
  readonly pts: number;
  readonly dts: number;
  /** 0: not known. */
  readonly duration: number;
  /** Of its first byte in the file; NaN: not known. */
  readonly position: number;
  readonly isKeyPicture: boolean;
};

type Track = { offset: number; next: number; last: number; end: number; readonly changes: { position: number; offset: number }[] };
type Point = { readonly position: number; readonly picture: number; readonly sound: number };

export class JumpingClock {
  readonly #tracks = new Map<number, Track>();
  readonly #pictures: ReadonlySet<number>;
  readonly #points: Point[] = [];
  /** The offset that the last jump has brought, which the other tracks follow. */
  #offset = 0;
  #latest = Number.NaN;
  #earliest = Number.POSITIVE_INFINITY;
  #soundEnd = Number.NEGATIVE_INFINITY;
  #isOutOfRange = false;
  #hasJumped = false;

  /** `pictures`: the streams whose keyframes reading may begin at. */
  constructor(pictures: Iterable<number>) {
    this.#pictures = new Set(pictures);
  }

  /** The offset of this packet, which is the next of its file. Times are on the mended clock when `shift` has been added too. */
  offsetOf(stream: number, packet: Packet): number {
    const time = Number.isNaN(packet.dts) ? packet.pts : packet.dts;
    const track = this.#tracks.get(stream) ?? this.#begin(stream, time);
    if (Number.isNaN(time)) return track.offset;
    if (this.#isJump(track, time + track.offset)) this.#jump(track, time, packet.position);
    const mended = time + track.offset;
    track.last = mended;
    track.next = mended + packet.duration;
    track.end = Math.max(track.end, track.next);
    this.#latest = mended;
    this.#earliest = Math.min(this.#earliest, mended);
    this.#isOutOfRange ||= time < 0 || time >= CLOCK_PERIOD;
    if (!this.#pictures.has(stream)) this.#soundEnd = Math.max(this.#soundEnd, track.next);
    else if (packet.isKeyPicture) this.#addPoint(packet.position, packet.pts + track.offset);
    return track.offset;
  }

  /** Null: the file's clock is as good as any. `ids`: what the container calls each stream; `texts`: those whose clock is that of the first picture. */
  mended(
    format: MendedClock['format'],
    { ids, texts }: { readonly ids: ReadonlyMap<number, number>; readonly texts: ReadonlyMap<number, number> },
  ): MendedClock | null {
    const changeCount = [...this.#tracks.values()].reduce((sum, track) => sum + track.changes.length, 0);
    const isLonger = this.#latest + this.shift >= CLOCK_PERIOD;
    if (!(this.#hasJumped || this.#isOutOfRange) || changeCount > MAX_CHANGES || isLonger || this.#points.length === 0) return null;
    const { shift } = this;
    const tracks = [...this.#tracks].flatMap(([stream, track]): MendedTrack[] => {
      const id = ids.get(stream);
      const moved = track.changes.map(({ position, offset }) => ({ position, offset: offset + shift }));
      return id === undefined ? [] : [{ streamIndex: stream, id, changes: moved }];
    });
    const changes = tracks.find(({ streamIndex }) => this.#pictures.has(streamIndex))?.changes ?? [];
    for (const [streamIndex, id] of texts) tracks.push({ streamIndex, id, changes });
    const points = this.#points.map(({ position, picture, sound }) => ({ position, picture: picture + shift, sound: sound + shift }));
    return { format, tracks, points: points.map(point => ({ ...point, sound: Number.isFinite(point.sound) ? point.sound : 0 })) };
  }

  get shift(): number {
    return START - this.#earliest;
  }

  /** A track whose first time is nowhere near what the file has come to has a clock of its own. */
  #begin(stream: number, time: number): Track {
    const isFar = Math.abs(time + this.#offset - this.#latest) > LONGEST_HOLE;
    const offset = isFar ? this.#latest - time : this.#offset;
    this.#hasJumped ||= isFar;
    const track = {
      offset,
      next: Number.NaN,
      last: Number.NaN,
      end: Number.NEGATIVE_INFINITY,
      changes: [{ position: 0, offset }],
    };
    this.#tracks.set(stream, track);
    return track;
  }

  #isJump({ next, last }: Track, time: number): boolean {
    if (time + LEAST_STEP_BACK < last) return true;
    // A track that was silent for a while is where the others are.
    return time - next > LONGEST_HOLE && time - this.#latest > LONGEST_HOLE;
  }

  #jump(track: Track, time: number, position: number): void {
    const followed = time + this.#offset;
    const follows = this.#offset !== track.offset && followed > track.last - LEAST_OVERHANG && followed - track.next < LONGEST_HOLE;
    if (!follows) this.#offset = this.#endAfter(track) - time;
    track.offset = this.#offset;
    const last = track.changes.at(-1);
    if (!Number.isNaN(position) && last) track.changes.push({ position: Math.max(position, last.position), offset: track.offset });
    this.#hasJumped = true;
  }

  /** Where what follows a jump begins: after this track, and after one that goes on a little longer. */
  #endAfter(track: Track): number {
    const ends = [...this.#tracks.values()].map(({ end }) => end);
    const overhangs = ends.filter(end => end - track.next > LEAST_OVERHANG && end - track.next < MOST_OVERHANG);
    return Math.max(track.next, ...overhangs);
  }

  #addPoint(position: number, picture: number): void {
    const last = this.#points.at(-1);
    const isNext = last === undefined || (picture - last.picture >= POINT_DISTANCE && position > last.position);
    if (isNext && !Number.isNaN(position) && !Number.isNaN(picture)) this.#points.push({ position, picture, sound: this.#soundEnd });
  }
}
