// An ffmpeg on whose machine `h264_nvenc` works, as it seems: x264 in disguise. It can also fail as hardware does.
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { FerriteError } from '#domain/errors.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

/**
 * `good`: it works. `first`: it fails before its first frame. `middle`, `hang`: it makes so many frames, and then ends with an error, or does
 * nothing more. `black`: what comes out is no picture. `no-keyframes`: it has keyframes where it likes.
 */
export type FakeMode = 'good' | 'first' | 'middle' | 'hang' | 'black' | 'no-keyframes';

const SCRIPT = `#!/bin/bash
mode=$(cat "$0.mode")
original=("$@")
args=()
is_fake=
frames=()
case $mode in middle|hang) frames=(-frames:v "$(cat "$0.frames")") ;; esac
while [ $# -gt 0 ]; do
  case $1 in
    h264_nvenc) is_fake=1; args+=(libx264 -bf 0 -x264-params level=13) ;;
    -preset) [ "$2" = p4 ] && { args+=(-preset ultrafast); shift; } || args+=("$1") ;;
    -rc|-forced-idr|-no-scenecut|-rc-lookahead|-delay) shift ;;
    -force_key_frames) if [ "$mode" != no-keyframes ] || [ -z "$is_fake" ]; then args+=("$1" "$2"); fi; shift ;;
    -vf) if [ "$mode" = black ] && [[ "$2" = *format=nv12 ]]; then args+=(-vf "$2,lutyuv=y=16"); else args+=(-vf "$2"); fi; shift ;;
    pipe:1) args+=("\${frames[@]}" pipe:1) ;;
    *) args+=("$1") ;;
  esac
  shift
done
[ -z "$is_fake" ] && exec ffmpeg "\${original[@]}"
echo "$mode" >> "$0.runs"
if [ "$mode" = first ]; then echo 'the device went away' >&2; exit 1; fi
if [ "$mode" = middle ]; then ffmpeg "\${args[@]}"; echo 'the device broke down' >&2; exit 1; fi
if [ "$mode" = hang ]; then ffmpeg "\${args[@]}"; exec sleep 600; fi
exec ffmpeg "\${args[@]}"
`;

export class FakeHardware {
  readonly path: string;

  static async make(folder: string, mode: FakeMode, frames = 30): Promise<FakeHardware> {
    const fake = new FakeHardware(join(folder, 'ffmpeg-with-hardware'));
    await writeFile(fake.path, SCRIPT);
    await chmod(fake.path, 0o755);
    await fake.become(mode, frames);
    return fake;
  }

  private constructor(path: string) {
    this.path = path;
  }

  async become(mode: FakeMode, frames = 30): Promise<void> {
    await writeFile(`${this.path}.frames`, String(frames));
    await writeFile(`${this.path}.mode`, mode);
  }
}

/** As `runTool`, with that ffmpeg. */
export const toolsAt =
  ({ path }: FakeHardware): RunTool =>
  async (tool, args, { deadlineMs }) => {
    const file = tool === 'ffmpeg' ? path : tool;
    const result = await execa(file, args, {
      encoding: 'buffer',
      reject: false,
      stdin: 'ignore',
      timeout: deadlineMs,
      forceKillAfterDelay: 100,
    });
    if (result.timedOut) throw new FerriteError('INSPECTION_DEFERRED', `${tool} took too long`);
    const stderrTail = Buffer.from(result.stderr).toString('utf8').slice(-4_000);
    return { stdout: Buffer.from(result.stdout), stderrTail, exitCode: result.exitCode ?? null };
  };
