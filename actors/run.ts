// One encode as its session sees it: which rendition it makes, and how far ahead of its viewer it may go.
import type { ActorRefFrom } from 'xstate';
import { isAudioSlot } from '#domain/addresses.ts';
import type { EncodePosition } from '#domain/encode-position.ts';
import type { EncodeJob } from './effects.ts';
import type { encode } from './encode.ts';

/** `slot` names the rendition, `actorId` the run. How far the run has come is kept by its actor. */
export type Run = {
  readonly actorId: string;
  readonly slot: string;
  readonly job: EncodeJob;
  /** Of a rung that nobody watches yet. */
  readonly isAhead: boolean;
  readonly actor: ActorRefFrom<typeof encode>;
};

/** By slot. */
export type Runs = Readonly<Record<string, Run>>;

/** How many segments encodes may run ahead of their viewer at the moment. */
export type Lead = { readonly picture: number; readonly sound: number };

export const leadOf = ({ picture, sound }: Lead, slot: string): number => (isAudioSlot(slot) ? sound : picture);

export const positionOf = ({ actor }: Pick<Run, 'actor'>): EncodePosition => actor.getSnapshot().context.position;

export function runIn(runs: Runs, slot: string): Run {
  const run = runs[slot];
  if (!run) throw new Error(`no run makes ${slot}`);
  return run;
}

export const runNamed = (runs: Runs, actorId: string): Run | undefined => Object.values(runs).find(run => run.actorId === actorId);
