// Everything that the server and an inspector, a small process apart from all sessions, say to each other: one JSON text a line.
import type { EncodeColour } from './colour/encode-colour.ts';
import type { FilmRates } from './delivery/film-rates.ts';
import type { ErrorRecord } from './errors.ts';
import type { Marker } from './markers/marker.ts';
import type { Ends, Window } from './markers/season-markers.ts';
import type { Crop, KeyframeMap, Rational, Streams } from './media.ts';
import type { Inspection } from './protocol.ts';
import type { PreviewFrame, PreviewPlan } from './trick-play/previews.ts';

/** Which keyframes the pictures show: found by our own reader, or by ffmpeg, which is told where on its clock the film begins. */
export type PreviewFrames =
  | { readonly by: 'index'; readonly frames: readonly PreviewFrame[] }
  | { readonly by: 'ffmpeg'; readonly startS: number };

/** How a film's picture becomes one for any screen. `isGrey`: what its colours are nobody here can tell, only how bright it is. */
export type StillPicture = {
  readonly coding: EncodeColour;
  readonly isGrey: boolean;
  /** The part of the upright picture that is shown, and the shape of its pixels. Absent: the whole. */
  readonly part?: { readonly crop: Crop; readonly pixelAspect: Rational };
};

/** What an inspector is asked: one thing at a time. */
export type Inspections = {
  /** ffprobe and the keyframe map of a file; MEDIA_UNREADABLE says why not. */
  inspect: { input: { readonly path: string }; output: Inspection };
  /** A frame as JPEG, at most `width` pixels wide: the first of these times, in file time, that shows something. Absent `still`: the whole picture of a plain screen. */
  poster: {
    input: { readonly path: string; readonly atMs: readonly number[]; readonly width: number; readonly still?: StillPicture };
    output: { readonly base64: string };
  };
  /** A picture beside a film as JPEG, or as PNG where it may be seen through, at most `width` pixels wide. MEDIA_UNREADABLE: it is none. */
  artwork: {
    input: { readonly path: string; readonly width: number; readonly isTransparent: boolean };
    output: { readonly base64: string };
  };
  /** The small pictures of a film, written to an empty folder: tiles, the rendition of keyframes, and what lies where in it. */
  previews: {
    input: {
      readonly path: string;
      readonly folder: string;
      readonly plan: PreviewPlan;
      readonly frames: PreviewFrames;
      readonly still?: StillPicture;
    };
    output: { readonly byteLength: number };
  };
  /**
   * What it spends in segments of that length, and is predicted to spend encoded; `colour`: as its encodes have it, null where there are none.
   * `cpuSeconds`: what the encodes of the prediction took.
   */
  rates: {
    input: {
      readonly path: string;
      readonly streams: Streams;
      readonly keyframes: KeyframeMap;
      readonly targetMs: number;
      readonly colour: EncodeColour | null;
    };
    output: { readonly rates: FilmRates; readonly cpuSeconds: number };
  };
  /** How the film sounds in each window, as base64 of a packed fingerprint. */
  sound: {
    input: { readonly path: string; readonly streamIndex: number; readonly windows: readonly Window[] };
    output: { readonly heard: readonly string[]; readonly cpuSeconds: number };
  };
  /** What an episode has in common with its neighbours. All fingerprints in base64. */
  season: {
    input: {
      readonly durationMs: number;
      readonly mine: Readonly<Record<Ends, { readonly startMs: number; readonly base64: string }>>;
      readonly others: readonly Readonly<Record<Ends, string>>[];
    };
    output: { readonly markers: readonly Marker[] };
  };
};
export type InspectionType = keyof Inspections;
export type InspectionHandlers = { [T in InspectionType]: (input: Inspections[T]['input']) => Promise<Inspections[T]['output']> };

export type ToInspector = { [T in InspectionType]: { readonly type: T; readonly input: Inspections[T]['input'] } }[InspectionType];

export type FromInspector =
  | { readonly kind: 'ready' }
  /** Every second: its event loop runs. */
  | { readonly kind: 'alive' }
  /** `residentBytes`: what its work has left behind in memory. */
  | { readonly kind: 'reply'; readonly output: Inspections[InspectionType]['output']; readonly residentBytes: number }
  | { readonly kind: 'failure'; readonly error: ErrorRecord; readonly residentBytes: number };
