// What ffprobe says about a file, as our streams and chapters. Pure: no process is started here.
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { hdrOf } from '#domain/colour/colour.ts';
import { FerriteError } from '#domain/errors.ts';
import type { AudioStream, Chapter, Container, EmbeddedTags, Rational, Streams, SubtitleStream, VideoStream } from '#domain/media.ts';
import { ColourFields, colourOf, SideData } from './colours.ts';
import { audioCodecString, videoCodecString } from './ffprobe-codec-strings.ts';
import { chooseFrameRate, parseRate } from './frame-rate.ts';
import type { SystemStreams } from './packet-timelines.ts';

const Text = Type.Optional(Type.String());
const Whole = Type.Optional(Type.Number());
const Tags = Type.Optional(Type.Record(Type.String(), Type.String()));

const ProbeStream = Type.Object({
  index: Type.Number(),
  id: Text,
  codec_type: Text,
  codec_name: Text,
  codec_tag_string: Text,
  profile: Text,
  level: Whole,
  width: Whole,
  height: Whole,
  has_b_frames: Whole,
  pix_fmt: Text,
  bits_per_raw_sample: Text,
  field_order: Text,
  sample_aspect_ratio: Text,
  ...ColourFields,
  r_frame_rate: Text,
  avg_frame_rate: Text,
  time_base: Text,
  start_pts: Whole,
  duration_ts: Whole,
  bit_rate: Text,
  sample_rate: Text,
  channels: Whole,
  channel_layout: Text,
  disposition: Type.Optional(Type.Record(Type.String(), Type.Number())),
  tags: Tags,
  side_data_list: Type.Optional(Type.Array(Type.Object({ ...SideData.properties, rotation: Whole }))),
});

const Probe = Type.Object({
  streams: Type.Array(ProbeStream),
  chapters: Type.Array(Type.Object({ start_time: Text, end_time: Text, tags: Tags })),
  format: Type.Object({ format_name: Type.String(), start_time: Text, duration: Text, bit_rate: Text, tags: Tags }),
});

export type Probe = Static<typeof Probe>;
type ProbeStream = Static<typeof ProbeStream>;

const IMAGE_SUBTITLES = new Set(['hdmv_pgs_subtitle', 'dvd_subtitle', 'dvb_subtitle', 'xsub']);
/** Of covers, which stand beside the film as a track of one picture, with or without a mark that says so. */
const STILL_CODECS = new Set(['mjpeg', 'png', 'bmp', 'gif', 'tiff', 'webp']);
/** For an audio track whose container does not say: enough for any lossy codec. */
const ASSUMED_BPS_PER_CHANNEL = 96_000;

export function parseProbe(json: string): Probe {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new FerriteError('MEDIA_UNREADABLE', 'ffprobe gave no answer about this file', { cause });
  }
  if (!Value.Check(Probe, value)) throw new FerriteError('MEDIA_UNREADABLE', 'not a media file');
  return value;
}

/** `head` are the first bytes of the file: Matroska and WebM differ only in their document type. */
export function containerOf(probe: Probe, head: Buffer): Container {
  const names = probe.format.format_name.split(',');
  if (names.includes('mp4')) return 'mp4';
  if (names.includes('matroska')) return isWebm(head) ? 'webm' : 'matroska';
  if (names.includes('mpegts')) return 'mpegts';
  return names.includes('avi') ? 'avi' : 'other';
}

export function streamsOf(probe: Probe): Streams {
  const audio = probe.streams.filter(stream => stream.codec_type === 'audio' && isDecodable(stream)).map(audioStream);
  const audioBps = audio.reduce((sum, { bitrateBps }) => sum + bitrateBps, 0);
  const restBps = Math.max(0, whole(probe.format.bit_rate) - audioBps);
  const pictures = probe.streams.filter(isVideo);
  const films = pictures.filter(({ codec_name }) => !STILL_CODECS.has(codec_name ?? ''));
  return {
    video: (films.length > 0 ? films : pictures).map(stream => videoStream(stream, restBps)),
    audio,
    subtitles: probe.streams.filter(isSubtitle).map(subtitleStream),
  };
}

export function chaptersOf(probe: Probe): readonly Chapter[] {
  return probe.chapters.map(({ start_time, end_time, tags }) => ({
    startMs: Math.max(0, Math.round(seconds(start_time) * 1000)),
    endMs: Math.max(0, Math.round(seconds(end_time) * 1000)),
    title: tag(tags, 'title'),
  }));
}

/** Of a stream whose first packet was not seen, the container tells little more than the codec. */
export const hasUnknownStream = ({ streams }: Probe): boolean =>
  streams.some(
    stream => isDecodable(stream) && stream.codec_type === 'audio' && (whole(stream.sample_rate) === 0 || (stream.channels ?? 0) === 0),
  );

const MAX_TAG = 5_000;
const MAX_GENRES = 30;

/** What the container says of its film; null where it says nothing. */
export function tagsOf({ format: { tags } }: Probe): EmbeddedTags | null {
  const text = (...names: string[]): string | null =>
    names
      .map(name => tag(tags, name))
      .find(value => value !== null)
      ?.slice(0, MAX_TAG) ?? null;
  const whole = (...names: string[]): number | null => {
    const value = text(...names);
    return value !== null && /^\d{1,5}$/.test(value) ? Number(value) : null;
  };
  const found: EmbeddedTags = {
    title: text('title'),
    show: text('show', 'tvshow'),
    season: whole('season_number', 'season'),
    episode: whole('episode_sort', 'episode'),
    date: text('date', 'date_released', 'year'),
    description: text('synopsis', 'description', 'summary'),
    genres: [...new Set((text('genre') ?? '').split(/\s*[;,/|]\s*/).filter(name => name !== ''))].slice(0, MAX_GENRES),
  };
  return Object.values(found).every(value => value === null || (Array.isArray(value) && value.length === 0)) ? null : found;
}

export const startTimeUsOf = (probe: Probe): number => Math.round(seconds(probe.format.start_time) * 1_000_000);
export const durationMsOf = (probe: Probe): number => Math.round(seconds(probe.format.duration) * 1000);
export const bitrateBpsOf = (probe: Probe): number => whole(probe.format.bit_rate);

/** Seconds per tick of a stream's timestamps. */
export function timeBaseOf(probe: Probe, streamIndex: number): Rational {
  const rate = parseRate(streamAt(probe, streamIndex)?.time_base);
  if (rate === null) throw new FerriteError('MEDIA_UNREADABLE', 'a stream has no clock');
  return rate;
}

/** Where a stream lies according to the container's header, in ticks of its time base. */
export function headerSpanOf(probe: Probe, streamIndex: number): { readonly startPts: number; readonly durationTicks: number } {
  const stream = streamAt(probe, streamIndex);
  return { startPts: stream?.start_pts ?? 0, durationTicks: stream?.duration_ts ?? 0 };
}

/** The streams of picture and sound by what their container calls them, where its clock may jump; null for any other. */
export function systemStreamsOf(probe: Probe): SystemStreams | null {
  const format = (['mpegts', 'mpeg'] as const).find(name => probe.format.format_name.split(',').includes(name));
  if (format === undefined) return null;
  const streams = probe.streams.filter(({ id, codec_type }) => id !== undefined && (codec_type === 'video' || codec_type === 'audio'));
  return {
    format,
    ids: new Map(streams.map(({ index, id }) => [index, Number(id)])),
    texts: new Map(
      probe.streams.flatMap(({ index, id, codec_type }) => (codec_type === 'subtitle' && id !== undefined ? [[index, Number(id)]] : [])),
    ),
    pictures: streams.filter(({ codec_type }) => codec_type === 'video').map(({ index }) => index),
  };
}

const streamAt = (probe: Probe, streamIndex: number): ProbeStream | undefined => probe.streams.find(({ index }) => index === streamIndex);

/** Cover art is a video stream to ffprobe, but not to a viewer. */
const isVideo = (stream: ProbeStream): boolean =>
  stream.codec_type === 'video' &&
  isDecodable(stream) &&
  stream.disposition?.attached_pic !== 1 &&
  (stream.width ?? 0) > 0 &&
  (stream.height ?? 0) > 0;

const isSubtitle = (stream: ProbeStream): boolean =>
  mp4TextOf(stream) !== null || (stream.codec_type === 'subtitle' && isDecodable(stream));

/** Text of MP4 that ffmpeg takes for data, and later versions call by other names. */
const mp4TextOf = ({ codec_tag_string }: ProbeStream): string | null =>
  codec_tag_string === 'wvtt' || codec_tag_string === 'stpp' ? codec_tag_string : null;

const isDecodable = (stream: ProbeStream): boolean => stream.codec_name !== undefined && stream.codec_name !== 'unknown';

function videoStream(stream: ProbeStream, restBps: number): VideoStream {
  const isInterlaced = ['tt', 'bb', 'tb', 'bt'].includes(stream.field_order ?? '');
  const rates = chooseFrameRate(parseRate(stream.r_frame_rate), parseRate(stream.avg_frame_rate), isInterlaced);
  const base = streamBase(stream);
  const shape = { width: stream.width ?? 0, height: stream.height ?? 0, bitDepth: bitDepthOf(stream), profile: stream.profile ?? null };
  const colour = colourOf(stream);
  const level = stream.level !== undefined && stream.level >= 0 ? stream.level : null;
  return {
    ...base,
    ...shape,
    codecString: videoCodecString({ codec: base.codec, level, ...shape }),
    crop: null,
    pixelAspect: pixelAspectOf(stream),
    frameRate: rates.frameRate,
    sourceFrameRate: rates.sourceFrameRate,
    isVariableFrameRate: rates.isVariable,
    isInterlaced,
    colour,
    hdr: hdrOf(colour),
    hasCaptions: false,
    reorderFrames: stream.has_b_frames ?? 0,
    bitrateBps: declaredBitrate(stream) || restBps,
    rotation: rotationOf(stream),
  };
}

function audioStream(stream: ProbeStream): AudioStream {
  const base = streamBase(stream);
  const channels = stream.channels ?? 0;
  return {
    ...base,
    codecString: hasNamedChannels(stream) ? audioCodecString(base.codec, stream.profile ?? null) : null,
    channels,
    sampleRate: whole(stream.sample_rate),
    bitrateBps: declaredBitrate(stream) || channels * ASSUMED_BPS_PER_CHANNEL,
  };
}

/** Layouts of AAC's numbered channel configurations; of others players do not take the list that stands in their place. */
const AAC_LAYOUTS = new Set(['mono', 'stereo', '3.0', '4.0', '5.0', '5.1', '7.1(wide)', '6.1(back)', '7.1']);
const hasNamedChannels = ({ codec_name, channel_layout }: ProbeStream): boolean =>
  codec_name !== 'aac' || AAC_LAYOUTS.has(channel_layout ?? '');

function subtitleStream(stream: ProbeStream): SubtitleStream {
  const told = streamBase(stream);
  const base = { ...told, codec: mp4TextOf(stream) ?? told.codec };
  const { forced, hearing_impaired } = stream.disposition ?? {};
  return {
    ...base,
    kind: IMAGE_SUBTITLES.has(base.codec) ? 'image' : 'text',
    isForced: forced === 1,
    isHearingImpaired: hearing_impaired === 1,
  };
}

function streamBase(stream: ProbeStream) {
  const language = tag(stream.tags, 'language');
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    language: language === 'und' ? null : language,
    title: tag(stream.tags, 'title'),
    isDefault: stream.disposition?.default === 1,
  };
}

/** Beyond any film: a number that somebody mistyped. */
const MAX_ASPECT = 8;
const SQUARE: Rational = { num: 1, den: 1 };

function pixelAspectOf({ sample_aspect_ratio }: ProbeStream): Rational {
  const aspect = parseRate(sample_aspect_ratio?.replace(':', '/')) ?? SQUARE;
  const ratio = aspect.num / aspect.den;
  return ratio > MAX_ASPECT || ratio < 1 / MAX_ASPECT ? SQUARE : aspect;
}

function rotationOf(stream: ProbeStream): number {
  const counterClockwise = stream.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation;
  const clockwise = counterClockwise === undefined ? whole(stream.tags?.rotate) : -counterClockwise;
  return (((Math.round(clockwise / 90) * 90) % 360) + 360) % 360;
}

function bitDepthOf(stream: ProbeStream): number {
  const fromPixels = /(?:p|gray|x)(9|10|12|14|16)(?:le|be)$/.exec(stream.pix_fmt ?? '')?.[1];
  return whole(stream.bits_per_raw_sample) || Number(fromPixels ?? 8);
}

/** Matroska has no bitrate field; mkvmerge writes statistics tags instead. */
const declaredBitrate = (stream: ProbeStream): number =>
  whole(stream.bit_rate) || whole(stream.tags?.BPS) || whole(stream.tags?.['BPS-eng']);

function tag(tags: ProbeStream['tags'] | undefined, name: string): string | null {
  const text = (tags?.[name] ?? tags?.[name.toUpperCase()])?.trim();
  return text ? text : null;
}

/** EBML DocType (RFC 8794, 11.2.4): id 0x4282, then a one-byte length. */
const isWebm = (head: Buffer): boolean => head.includes(Buffer.from('\x42\x82\x84webm', 'latin1'));

/** ffprobe leaves out, or writes N/A, what it does not know: 0 then. */
function whole(text: string | undefined): number {
  const value = Number(text ?? 0);
  return Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

function seconds(text: string | undefined): number {
  const value = Number(text ?? 0);
  return Number.isFinite(value) ? value : 0;
}
