// Which part of a picture an MP4 file says is to be shown (`clap`, ISO/IEC 14496-12, 12.1.4).
import { box, findBox } from '#workers/bmff/boxes.ts';
import { VIDEO_ENTRY_CHILDREN } from './codec-strings.ts';

type Size = { readonly width: number; readonly height: number };
type Aperture = Size & { readonly x: number; readonly y: number };

const BYTES = 32;

/** As it is written, which may be no part of the picture; null: the entry does not say. */
export function cleanAperture(entry: Buffer, picture: Size): Aperture | null {
  const clap = findBox(entry, ['clap'], VIDEO_ENTRY_CHILDREN);
  if (!clap || clap.end - clap.start < BYTES) return null;
  const fraction = (row: number): number => entry.readInt32BE(clap.start + row * 8) / entry.readUInt32BE(clap.start + row * 8 + 4);
  const [width, height, right, down] = [fraction(0), fraction(1), fraction(2), fraction(3)];
  // The offsets are those of its middle from the middle of the picture.
  return { x: right + (picture.width - width) / 2, y: down + (picture.height - height) / 2, width, height };
}

/** The box that says so. */
export function cleanApertureBox({ x, y, width, height }: Aperture, picture: Size): Buffer {
  const payload = Buffer.alloc(BYTES);
  const rows = [
    [width, 1],
    [height, 1],
    [2 * x + width - picture.width, 2],
    [2 * y + height - picture.height, 2],
  ];
  for (const [at, value] of rows.flat().entries()) payload.writeInt32BE(value, at * 4);
  return box('clap', payload);
}
