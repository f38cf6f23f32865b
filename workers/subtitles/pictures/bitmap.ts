// One picture of a subtitle as it is drawn: a rectangle of palette indexes on a canvas, shown from one time to another.

export type Colour = { readonly red: number; readonly green: number; readonly blue: number; readonly alpha: number };

export type Bitmap = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** A byte a pixel, row by row. */
  readonly indexes: Uint8Array;
  /** At most 255. */
  readonly palette: readonly Colour[];
};

export type Picture = { readonly startMs: number; readonly endMs: number; readonly bitmap: Bitmap };
export type Canvas = { readonly width: number; readonly height: number };
