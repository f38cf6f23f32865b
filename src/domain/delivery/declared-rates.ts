// What an offer declares of the rates of its renditions: measured of copies, predicted of encodes, where the film's rates are known. Pure.
import type { Media } from '../media.ts';
import { type Plan, targetDurationS } from '../plan.ts';
import type { AudioRendition, VideoEncode, VideoRendition } from '../rendition.ts';
import type { Offer } from '../session.ts';
import { atTarget, type FilmRates, ratesAreOf, spentUnder, type TrackRate } from './film-rates.ts';
import { LATENCY_TARGET_MS, RATE_BUFFER_S } from './ladder.ts';

type Declared = { readonly bandwidthBps: number; readonly averageBps: number };

/**
 * The same offer with its rates as far as they are known. They depend on all of it: the peak is that over the target duration, which the
 * longest segment of any rendition decides.
 */
export function withRates(offer: Offer, plan: Plan, { rates, durationMs }: Pick<Media, 'rates' | 'durationMs'>): Offer {
  if (!ratesAreOf(rates, plan.targetMs)) return offer;
  const targetS = targetDurationS(plan, [...offer.video, ...offer.audio, ...offer.subtitles]);
  return {
    ...offer,
    video: offer.video.map(rendition => ({ ...rendition, ...pictureRate(rendition, rates, { targetS, durationMs }) })),
    audio: offer.audio.map(rendition => ({ ...rendition, ...soundRate(rendition, rates, targetS) })),
  };
}

type Film = { readonly targetS: number; readonly durationMs: number };

function pictureRate(rendition: VideoRendition, rates: FilmRates, film: Film): Declared | null {
  return rendition.kind === 'video-copy' ? measured(rates.videoCopy, film.targetS) : predicted(rendition, rates, film);
}

function soundRate(rendition: AudioRendition, rates: FilmRates, targetS: number): Declared | null {
  if (rendition.kind === 'audio-copy') return measured(rates.audioCopy[rendition.track], targetS);
  // Other forms have the constant rate that they are told.
  return rendition.form === undefined ? measured(rates.audioEncode[rendition.track], targetS) : null;
}

const measured = (rate: TrackRate | null | undefined, targetS: number): Declared | null =>
  rate ? { bandwidthBps: Math.max(atTarget(rate.peaksBps, targetS), rate.averageBps), averageBps: rate.averageBps } : null;

/** Of x264 alone: what another encoder takes at most stands for it. */
function predicted({ rungId, preset, maxBitrateBps, encoder }: VideoEncode, { demand }: FilmRates, film: Film): Declared | null {
  if (encoder !== undefined) return null;
  const averageBps = demand?.rungs.find(rung => rung.rungId === rungId)?.averageBps;
  if (!demand || averageBps === undefined) return null;
  const spent = spentUnder(demand, { averageBps, maxBps: maxBitrateBps, bufferS: RATE_BUFFER_S[preset], targetS: film.targetS });
  // The first seconds are made by the quick encoder, which takes about twice as many.
  const quickPart = preset === 'superfast' ? Math.min(1, LATENCY_TARGET_MS / Math.max(film.durationMs, 1)) : 0;
  const bandwidthBps = Math.ceil(spent.peakBps);
  return { bandwidthBps, averageBps: Math.min(bandwidthBps, Math.round(spent.averageBps * (1 + quickPart))) };
}
