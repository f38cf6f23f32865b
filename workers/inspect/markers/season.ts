// One episode compared with its neighbours: arithmetic of some milliseconds each, which has no place on the thread that answers viewers.
import type { Inspections } from '#domain/inspector-protocol.ts';
import { unpackFingerprint } from '#domain/markers/fingerprint.ts';
import { agreed, ENDS, heardIn } from '#domain/markers/season-markers.ts';

export function compareSeason({ durationMs, mine, others }: Inspections['season']['input']): Inspections['season']['output'] {
  const markers = ENDS.flatMap(end => {
    const own = { startMs: mine[end].startMs, values: unpacked(mine[end].base64) };
    const marker = agreed(
      others.map(other => heardIn(own, unpacked(other[end]), end)),
      end,
      durationMs,
    );
    return marker === null ? [] : [marker];
  });
  return { markers };
}

const unpacked = (base64: string): Uint32Array => unpackFingerprint(Buffer.from(base64, 'base64'));
