// The part of the socket library that the front door uses, as types: server.ts alone imports the library, so that no other file can depend on more than this.

/** Valid until the reply has ended or the client has gone. */
export type HttpResponse = {
  writeStatus(status: string): HttpResponse;
  writeHeader(name: string, value: string): HttpResponse;
  end(body?: string | Uint8Array, closeConnection?: boolean): HttpResponse;
  endWithoutBody(): HttpResponse;
  /** `[everything given was taken, the reply has ended]`. What was not taken has not been copied: offer it again in `onWritable`. */
  tryEnd(bytes: Uint8Array, totalByteLength: number): [boolean, boolean];
  getWriteOffset(): number;
  onWritable(handler: (offset: number) => boolean): HttpResponse;
  onAborted(handler: () => void): HttpResponse;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): HttpResponse;
  cork(write: () => void): HttpResponse;
  close(): HttpResponse;
  pause(): void;
  resume(): void;
  getRemoteAddress(): ArrayBuffer;
  upgrade<Data>(data: Data, key: string, protocol: string, extensions: string, context: UpgradeContext): void;
};

/** Dead as soon as the callback that received it returns. */
export type HttpRequest = {
  getHeader(lowerCaseName: string): string;
  getParameter(index: number): string | undefined;
  getMethod(): string;
  getUrl(): string;
  getQuery(): string;
  forEach(visit: (name: string, value: string) => void): void;
};

/** The library's own pointer, passed from its upgrade callback back to it. */
export type UpgradeContext = object;

/** Valid from the open to the close event. */
export type RawWebSocket<Data> = {
  /** 1 sent, 0 waiting in memory, 2 dropped because too much was waiting. */
  send(text: string): number;
  /** Bytes that wait in memory for the peer to read. */
  getBufferedAmount(): number;
  end(code: number, reason: string): void;
  close(): void;
  getUserData(): Data;
};
