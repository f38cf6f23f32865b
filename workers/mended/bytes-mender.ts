// Changes the times in the bytes of a film where they stand.
export interface BytesMender {
  /** What it holds back comes with the next bytes, or at the end. */
  push(bytes: Buffer): Buffer;
  end(): Buffer;
}
