// Where the bytes of a body come from, told to the server without a word about sockets: it reads as much as its client takes, and closes it.

export interface BodySource {
  readonly byteLength: number;

  /**
   * What stands from `offset` on, not past `end`, and at least a byte of it: at once where that needs no waiting. One read at a time.
   * Good until `offered`, and where `isLasting` until the next read. Throws or rejects where it can not be read; a FerriteError is told
   * to the client while nothing has been sent.
   */
  read(offset: number, end: number): Uint8Array | Promise<Uint8Array>;

  /** What was read has been offered to the socket, which may have taken less than all of it: the rest is read again. */
  offered?(wasTaken: boolean): void;

  /** What the socket did not take of a read is offered again as it lies, and not read again. */
  readonly isLasting?: true;

  /** Idempotent; may come while a read is under way, whose outcome nobody looks at then. */
  close(): void;
}
