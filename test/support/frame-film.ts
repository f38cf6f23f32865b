// A film each of whose frames tells its number, and how to read it off the picture on screen.
import type { Page } from 'playwright-core';
import { ffmpeg } from './media.ts';

export const BITS = 12;
export const SIDE = 40;

/** Bit `k` of the frame's number is a white square `k` at the top. */
export async function makeFrameFilm(path: string, options: { seconds: number; sound?: string; args?: readonly string[] }): Promise<void> {
  const bits = Array.from(
    { length: BITS },
    (_, bit) => `drawbox=x=${bit * SIDE}:y=0:w=${SIDE}:h=${SIDE}:c=white:t=fill:enable='mod(floor(n/${2 ** bit}),2)'`,
  );
  const filter = [`drawbox=x=0:y=0:w=${BITS * SIDE}:h=${SIDE}:c=black:t=fill`, ...bits].join(',');
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=24:d=${options.seconds}`],
    ...['-f', 'lavfi', '-i', options.sound ?? `sine=f=440:r=48000:d=${options.seconds}`],
    ...[
      '-vf',
      filter,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-bf',
      '2',
      '-g',
      '48',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
      '-shortest',
    ],
    ...(options.args ?? []),
    path,
  );
}

export type FrameView = {
  /** The number that the picture on screen shows. */
  readonly frame: number;
  readonly currentTime: number;
  readonly isSeeking: boolean;
  readonly status: string;
  readonly positionMs: number;
  /** How far the first loaded stretch goes. */
  readonly loadedS: number;
};

export const lookAtFrame = (page: Page): Promise<FrameView> =>
  page.evaluate(
    ({ bits, side }) => {
      const global = globalThis as unknown as {
        ferrite: { positionMs: number; status: { name: string } | null };
        document: { querySelector(selector: string): never; createElement(name: string): never };
      };
      const video: { currentTime: number; seeking: boolean; buffered: { length: number; end(index: number): number } } =
        global.document.querySelector('video');
      type Canvas = {
        width: number;
        height: number;
        getContext(kind: string): { drawImage(...args: unknown[]): void; getImageData(...args: number[]): { data: Uint8ClampedArray } };
      };
      const canvas: Canvas = global.document.createElement('canvas');
      canvas.width = 640;
      canvas.height = 360;
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0, 640, 360);
      let frame = 0;
      for (let bit = 0; bit < bits; bit++) {
        if ((context.getImageData(bit * side + side / 2, side / 2, 1, 1).data[0] ?? 0) > 128) frame += 2 ** bit;
      }
      return {
        frame,
        currentTime: video.currentTime,
        isSeeking: video.seeking,
        status: global.ferrite.status?.name ?? '',
        positionMs: global.ferrite.positionMs,
        loadedS: video.buffered.length === 0 ? 0 : video.buffered.end(0),
      };
    },
    { bits: BITS, side: SIDE },
  );
