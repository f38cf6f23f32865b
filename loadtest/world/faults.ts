// An ffmpeg that misbehaves when it is told to: a script in front of the real one, for FERRITE_FFMPEG. Each order is obeyed once, by the next picture encode.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Misbehaviour = 'floods-stderr' | 'writes-garbage' | 'hangs';

const FLOOD_BYTES = 200_000_000;
const GARBAGE_BYTES = 2_000_000;
const HANG_S = 300;

export class FaultyFfmpeg {
  readonly path: string;
  readonly #folder: string;

  static async create(folder: string): Promise<FaultyFfmpeg> {
    await mkdir(folder, { recursive: true });
    const faulty = new FaultyFfmpeg(folder);
    await writeFile(faulty.path, script(folder));
    await chmod(faulty.path, 0o755);
    return faulty;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'ffmpeg');
  }

  async order(what: Misbehaviour): Promise<void> {
    await writeFile(join(this.#folder, what), '');
  }
}

/** `mv` succeeds for one process only, so that an order counts once although several start at the same time. */
const script = (folder: string): string => `#!/bin/sh
obey() { mv '${folder}'/"$1" '${folder}'/"$1.$$" 2>/dev/null; }
case "$*" in
*libx264*)
  if obey floods-stderr; then
    (head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' 'x' >&2) &
  elif obey writes-garbage; then
    head -c ${GARBAGE_BYTES} /dev/urandom
    exit 0
  elif obey hangs; then
    exec sleep ${HANG_S}
  fi
  ;;
esac
exec ffmpeg "$@"
`;
