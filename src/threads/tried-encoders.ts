// What the encoders of this machine were tried to do: asked for in the background after a start, and kept in memory, for drivers change.

import type { EncoderTrial, HardwareKind } from '#domain/encoders.ts';
import { parseMediaId } from '#domain/ids.ts';
import type { MediaHosts } from './media-hosts.ts';

type Log = { info(facts: object, message: string): void; warn(facts: object, message: string): void };

export type WantedEncoders = { readonly software: boolean; readonly hardware: readonly HardwareKind[] };

export type KeepTriedOptions = WantedEncoders & {
  readonly hosts: Pick<MediaHosts, 'request'>;
  readonly log: Log;
  readonly onTried: (trials: readonly EncoderTrial[]) => void;
};

/** A server that has just started has its first viewers and a scan to serve. */
const TRY_DELAY_MS = 2_000;
/** All of them together: what has not been tried by then counts as not there. */
const TRY_DEADLINE_MS = 5 * 60_000;

/** Nothing is tried where nothing but x264 may be used. */
export function keepTried({ hosts, log, onTried, ...wanted }: KeepTriedOptions): { close(): void } {
  if (!wanted.software && wanted.hardware.length === 0) return { close: () => undefined };
  const over = new AbortController();
  const timer = setTimeout(() => {
    tryOn(hosts, wanted, over.signal).then(
      trials => {
        const named = (isProven: boolean): string[] => trials.filter(trial => trial.isProven === isProven).map(trialName);
        log.info({ works: named(true), fails: named(false) }, 'the encoders were tried');
        onTried(trials);
      },
      err => {
        if (!over.signal.aborted) log.warn({ err }, 'the encoders could not be tried; x264 alone is used');
      },
    );
  }, TRY_DELAY_MS);
  timer.unref();
  return {
    close: () => {
      clearTimeout(timer);
      over.abort();
    },
  };
}

export async function tryOn(
  hosts: Pick<MediaHosts, 'request'>,
  { software, hardware }: WantedEncoders,
  signal: AbortSignal,
): Promise<readonly EncoderTrial[]> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(TRY_DEADLINE_MS)]);
  const { trials } = await hosts.request('machine.trials', { mediaId: parseMediaId('any-media'), software, hardware }, deadline);
  return trials;
}

/** `encode h264_vaapi /dev/dri/renderD128`. */
export const trialName = ({ does, name, device }: EncoderTrial): string => [does, name, ...(device === null ? [] : [device])].join(' ');
