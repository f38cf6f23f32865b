// What a run of ffmpeg with `-benchmark` says of itself.

/** From `bench: utime=0.663s stime=0.057s rtime=0.404s`; 0 where it does not say. */
export function processorSeconds(stderr: string): number {
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  return Number(user ?? 0) + Number(system ?? 0);
}
