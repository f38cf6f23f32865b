// Which set-up of the matrix stands for which platform, how far, and what stays untried.
import type { Step } from './player.ts';

export const TASKS = [
  { name: 'start', steps: ['start', 'resume'] },
  { name: 'rapid scrub and long jump', steps: ['seek', 'scrub'] },
  { name: 'ABR', steps: ['abr'] },
  { name: 'track switch', steps: ['audio', 'subtitles'] },
  { name: 'cleanup', steps: ['pause', 'close'] },
] as const satisfies readonly { name: string; steps: readonly Step[] }[];

export type Platform = {
  readonly name: string;
  /** Names of set-ups; none: nothing that runs here plays as it does. */
  readonly standIns: readonly string[];
  /** `itself`: the platform's own program was run. */
  readonly extent: 'itself' | 'in part';
  readonly untried: string;
};

const CHECKED = 'what it is offered is held by its profile and by the conformance checker (Apple’s authoring rules, RFC 8216)';

export const PLATFORMS: readonly Platform[] = [
  {
    name: 'Chromium',
    standIns: ['chromium-hls', 'chromium-shaka', 'chromium-native'],
    extent: 'itself',
    untried: 'decoding in hardware; HEVC, which Chromium has only where the system decodes it',
  },
  {
    name: 'Firefox',
    standIns: ['firefox-hls', 'firefox-shaka'],
    extent: 'itself',
    untried: 'other releases than ESR; systems other than Linux',
  },
  {
    name: 'Safari macOS',
    standIns: ['webkit-native', 'webkit-hls'],
    extent: 'in part',
    untried: `AVFoundation: WebKitGTK has the same page engine over another media stack (GStreamer); ${CHECKED}`,
  },
  {
    name: 'Safari iOS',
    standIns: ['webkit-native'],
    extent: 'in part',
    untried: `AVFoundation, Managed Media Source, full screen and background play; ${CHECKED}`,
  },
  {
    name: 'Android Chrome',
    standIns: ['chromium-hls', 'chromium-shaka'],
    extent: 'in part',
    untried: 'the decoders of phones (MediaCodec), and a line that comes and goes',
  },
  {
    name: 'Android WebView',
    standIns: ['chromium-hls'],
    extent: 'in part',
    untried: 'as Android Chrome, and what an app forbids its page',
  },
  { name: 'tvOS', standIns: [], extent: 'in part', untried: `AVPlayer, all of it; ${CHECKED}` },
  { name: 'Roku', standIns: [], extent: 'in part', untried: `all of it; ${CHECKED}` },
];
