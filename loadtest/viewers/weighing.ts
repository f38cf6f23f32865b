// What a stream declares of its rates and what it weighs: every segment of every rendition is fetched.
import { parseMediaPlaylist, type Started, type Viewer } from './viewer.ts';

type Segment = { readonly bits: number; readonly seconds: number };
type Weight = { readonly averageBps: number; readonly peakBps: number; readonly bytes: Buffer };

export type WeighedVariant = {
  readonly size: string;
  readonly declared: { readonly averageBps: number; readonly peakBps: number };
  readonly measured: { readonly averageBps: number; readonly peakBps: number };
  /** The picture alone, as one file. */
  readonly picture: Buffer;
};

/** Each picture once, with the sound that it is listed with first. */
export async function weigh(viewer: Viewer, session: Started): Promise<WeighedVariant[]> {
  const main = (await viewer.http.get(session.streamUrl)).body.toString('utf8');
  const base = session.streamUrl.replace(/[^/]+$/, '');
  const sounds = new Map<string, Weight>();
  for (const [, list = ''] of main.matchAll(/^#EXT-X-MEDIA:(TYPE=AUDIO.*)$/gm)) {
    const [group, uri] = [attributeOf(list, 'GROUP-ID'), attributeOf(list, 'URI')];
    const weight = await weighPlaylist(viewer, base + uri);
    const known = sounds.get(group);
    sounds.set(group, known && known.peakBps > weight.peakBps ? known : weight);
  }
  const variants = new Map<string, WeighedVariant>();
  for (const [, list = '', uri = ''] of main.matchAll(/^#EXT-X-STREAM-INF:(.*)\n(.+)$/gm)) {
    if (variants.has(uri)) continue;
    const picture = await weighPlaylist(viewer, base + uri);
    const sound = sounds.get(attributeOf(list, 'AUDIO'));
    variants.set(uri, {
      size: attributeOf(list, 'RESOLUTION'),
      declared: { averageBps: Number(attributeOf(list, 'AVERAGE-BANDWIDTH')), peakBps: Number(attributeOf(list, 'BANDWIDTH')) },
      measured: { averageBps: picture.averageBps + (sound?.averageBps ?? 0), peakBps: picture.peakBps + (sound?.peakBps ?? 0) },
      picture: picture.bytes,
    });
  }
  return [...variants.values()];
}

const attributeOf = (attributes: string, name: string): string =>
  attributes.match(new RegExp(`(?:^|,)${name}=("[^"]*"|[^,]*)`))?.[1]?.replaceAll('"', '') ?? '';

async function weighPlaylist(viewer: Viewer, address: string): Promise<Weight> {
  const text = (await viewer.http.get(address)).body.toString('utf8');
  const list = parseMediaPlaylist(address, text);
  const parts = [(await viewer.http.get(list.folder + list.initName)).body];
  const segments: Segment[] = [];
  for (const { name, durationS } of list.segments) {
    const { body } = await viewer.http.get(list.folder + name);
    parts.push(body);
    segments.push({ bits: 8 * body.byteLength, seconds: durationS });
  }
  const targetS = Number(text.match(/^#EXT-X-TARGETDURATION:(\d+)$/m)?.[1]);
  return { averageBps: rateOf(segments), peakBps: peakOf(segments, targetS), bytes: Buffer.concat(parts) };
}

function rateOf(segments: readonly Segment[]): number {
  const sum = (of: (segment: Segment) => number): number => segments.reduce((total, segment) => total + of(segment), 0);
  return sum(({ bits }) => bits) / sum(({ seconds }) => seconds);
}

/** The largest of all runs of segments that last half to one and a half target durations (RFC 8216, 4.1). */
function peakOf(segments: readonly Segment[], targetS: number): number {
  let peak = 0;
  for (let from = 0; from < segments.length; from++) {
    for (let to = from + 1; to <= segments.length; to++) {
      const run = segments.slice(from, to);
      const seconds = run.reduce((total, segment) => total + segment.seconds, 0);
      if (seconds > 1.5 * targetS) break;
      if (seconds >= targetS / 2) peak = Math.max(peak, rateOf(run));
    }
  }
  return peak || rateOf(segments);
}
