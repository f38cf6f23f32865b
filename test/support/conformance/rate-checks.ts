// Rules for what every segment of a stream weighs: they need all of it, and are made when they are asked for.
import { APPLE, type Check } from './checks.ts';
import { type Attributes, type Playlist, tagsNamed, unquoted } from './playlist.ts';

export type WeighedSegment = { readonly bits: number; readonly seconds: number };

/** A stream and, of each media playlist by address, its segments. */
export type Weighed = {
  readonly main: Playlist;
  readonly media: ReadonlyMap<string, { playlist: Playlist; segments: readonly WeighedSegment[] }>;
};

export type VariantRates = {
  readonly uri: string;
  readonly group: string;
  readonly average: { readonly declaredBps: number; readonly measuredBps: number };
  readonly peak: { readonly declaredBps: number; readonly measuredBps: number };
};

const TOLERANCE = 0.1;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const averageOf = (segments: readonly WeighedSegment[]): number =>
  sum(segments.map(({ bits }) => bits)) / sum(segments.map(({ seconds }) => seconds));

/** The largest bit rate of segments in a row that last half to one and a half target durations together (RFC 8216, 4.1). */
export function peakOf(segments: readonly WeighedSegment[], targetS: number): number {
  const rows = segments.flatMap((_, from) => segments.slice(from).map((_last, length) => segments.slice(from, from + length + 1)));
  const rates = rows.flatMap(row => {
    const seconds = sum(row.map(segment => segment.seconds));
    return seconds >= targetS / 2 && seconds <= targetS * 1.5 ? [sum(row.map(({ bits }) => bits)) / seconds] : [];
  });
  return rates.length > 0 ? Math.max(...rates) : averageOf(segments);
}

/** What each variant declares and what it takes: its picture, and the heaviest sound of its group. */
export function ratesOf({ main, media }: Weighed): VariantRates[] {
  const weigh = (uri: string): { average: number; peak: number } => {
    const found = media.get(uri);
    if (!found) throw new Error(`${uri} was not weighed`);
    return {
      average: averageOf(found.segments),
      peak: peakOf(found.segments, Number(tagsNamed(found.playlist, 'EXT-X-TARGETDURATION')[0]?.value)),
    };
  };
  const soundsOf = (variant: Attributes): { average: number; peak: number }[] =>
    main.renditions
      .filter(({ TYPE, 'GROUP-ID': id, URI }) => TYPE === 'AUDIO' && id === variant.AUDIO && URI !== undefined)
      .map(({ URI }) => weigh(unquoted(URI)));
  return main.variants.map(({ uri, attributes }) => {
    const picture = weigh(uri);
    const sounds = soundsOf(attributes);
    return {
      uri,
      group: unquoted(attributes.AUDIO),
      average: {
        declaredBps: Number(attributes['AVERAGE-BANDWIDTH']),
        measuredBps: picture.average + Math.max(0, ...sounds.map(({ average }) => average)),
      },
      peak: { declaredBps: Number(attributes.BANDWIDTH), measuredBps: picture.peak + Math.max(0, ...sounds.map(({ peak }) => peak)) },
    };
  });
}

const find = (which: 'average' | 'peak') => (weighed: Weighed) =>
  ratesOf(weighed).flatMap(rates => {
    const { declaredBps, measuredBps } = rates[which];
    if (Math.abs(measuredBps - declaredBps) <= TOLERANCE * declaredBps) return [];
    return [`${rates.uri}: ${Math.round(measuredBps)} measured, ${declaredBps} declared (${(measuredBps / declaredBps).toFixed(2)})`];
  });

export const RATE_CHECKS: readonly Check<Weighed>[] = [
  {
    name: 'average-rate',
    rule: `${APPLE} 1.26`,
    says: 'the average segment bit rate of a film is within 10 % of AVERAGE-BANDWIDTH',
    level: 'error',
    find: find('average'),
  },
  {
    name: 'peak-rate',
    rule: `${APPLE} 1.27`,
    says: 'the peak segment bit rate of a film is within 10 % of BANDWIDTH',
    level: 'error',
    find: find('peak'),
  },
];
