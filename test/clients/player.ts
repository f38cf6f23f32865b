// A player as the matrix drives it: one interface over browsers, and over programs of their own.

import type { FilmName } from './films.ts';

export type Picture = { readonly clockS: number; readonly number: number | null };
/** `clockS` is the player's clock when the middle of the samples is heard. */
export type Sound = { readonly clockS: number; readonly samples: Float32Array };
export type Look = { readonly pictures: readonly Picture[]; readonly sounds: readonly Sound[] };

export type Opening = {
  readonly url: string;
  readonly startS: number;
  /** Addresses of whole subtitle texts, for a film that is played as a file. */
  readonly texts: readonly string[];
};

/** What is not there cannot be tried: the reason is written under the table. */
export class NotPossible extends Error {}

export interface Playing {
  /** Resolves when the film runs. */
  open(opening: Opening): Promise<void>;
  /** Seeks, each so long after the one before; resolves when the film runs from the last. */
  seek(positions: readonly number[], intervalMs: number): Promise<void>;
  /** A few pictures and sounds, each with the clock at that moment. */
  look(): Promise<Look>;
  pause(): Promise<void>;
  play(): Promise<void>;
  clockS(): Promise<number>;
  /** By its place in the film. */
  chooseAudio(index: number): Promise<void>;
  chooseText(index: number): Promise<void>;
  /** What is shown at the moment. */
  texts(): Promise<{ readonly clockS: number; readonly texts: readonly string[] }>;
  /** The player lets go of the film. */
  close(): Promise<void>;
}

/** A running program with room for one film at a time. */
export interface PlayerProgram {
  playing(): Playing;
  end(): Promise<void>;
}

export const STEPS = ['start', 'seek', 'scrub', 'audio', 'subtitles', 'pause', 'close', 'resume', 'abr'] as const;
export type Step = (typeof STEPS)[number];

export const DELIVERIES = ['direct', 'remux', 'transcode'] as const;
export type Delivery = (typeof DELIVERIES)[number];

export type Client = {
  readonly name: string;
  /** For people: the player and where it runs. */
  readonly label: string;
  /** Debian packages or npm packages that it comes from. */
  readonly needs: readonly string[];
  /** What a session is started with. */
  readonly client: Readonly<Record<string, unknown>>;
  /** Why a film can not be played in that way; null when it can. */
  readonly refuses: (film: FilmName, delivery: Delivery) => string | null;
  /** What the player can not do whatever it is given, by step. */
  readonly cannot: (step: Step, delivery: Delivery) => string | null;
  /** What may lie between the clock that the player tells and its picture beyond one frame, where the clock itself is coarse. */
  readonly slackS?: number;
  readonly start: (origin: string) => Promise<PlayerProgram>;
};
