// The profiles of each codec that players and their hardware decode: 4:2:0, of as many bits as are usual in that codec.
import type { VideoStream } from '../media.ts';

/** As ffprobe names them. */
const PLAYED: Readonly<Record<string, readonly string[]>> = {
  h264: ['Constrained Baseline', 'Baseline', 'Main', 'Extended', 'High', 'Progressive High', 'Constrained High'],
  hevc: ['Main', 'Main 10', 'Main Still Picture'],
  vp9: ['Profile 0', 'Profile 2'],
  av1: ['Main'],
};

/** A file that does not tell its profile is believed to have a usual one. */
export function isPlayedProfile({ codec, profile, bitDepth }: Pick<VideoStream, 'codec' | 'profile' | 'bitDepth'>): boolean {
  if (codec === 'h264' && bitDepth > 8) return false;
  return profile === null || (PLAYED[codec]?.includes(profile) ?? true);
}
