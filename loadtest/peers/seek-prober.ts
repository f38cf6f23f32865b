// What a server without an index does at each seek: asks ffprobe for the keyframe there.
import { runProgram } from '../machine/programs.ts';

const DEADLINE_MS = 30_000;

/** Milliseconds of each, one after the other. */
export async function probeSeeks(film: string, positionsMs: readonly number[]): Promise<number[]> {
  const measured: number[] = [];
  for (const positionMs of positionsMs) {
    const startedMs = performance.now();
    const where = ['-read_intervals', `${positionMs / 1000}%+#1`, '-select_streams', 'v:0'];
    const what = ['-show_entries', 'packet=pts_time,flags', '-of', 'csv=p=0'];
    await runProgram('ffprobe', ['-v', 'error', ...where, ...what, film], DEADLINE_MS);
    measured.push(performance.now() - startedMs);
  }
  return measured;
}
