// A route: a method, a path, the schemas of request and answers, and a handler that parses, asks and returns.
import type { Static, TSchema } from 'typebox';
import type { Caller } from '#domain/media.ts';
import type { BodySource } from './body-source.ts';
import type { PreparedReply } from './prepared.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A file, or a part of it, sent with back-pressure from disk; ranges and conditions are the server's business. `etag` has its quotes. */
export type FileBody = {
  readonly path: string;
  readonly byteLength: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly contentType: string;
};

export type Reply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
} & (
  | { readonly json: unknown }
  /** Ready bytes. Sent as they are: the server never changes or copies them. `etag`, quotes included, switches conditional requests and ranges on. */
  | { readonly bytes: Uint8Array; readonly contentType: string; readonly etag?: string }
  /** Bytes and head made once for many requests. */
  | { readonly prepared: PreparedReply }
  /** Bytes that are read as the socket takes them. Whoever gets a source either sends it or closes it. `etag` has its quotes. */
  | { readonly streamed: BodySource; readonly contentType: string; readonly etag: string }
  /** `onWithdrawn` takes a callback that cuts the reply short, and returns a function that removes it. */
  | { readonly file: FileBody; readonly onWithdrawn?: (cut: () => void) => () => void }
  | { readonly empty: true }
);

export type PathParams<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<Rest>
  : Path extends `${string}:${infer Name}`
    ? { readonly [K in Name]: string }
    : Path extends `${string}*`
      ? { readonly rest: string }
      : Record<never, string>;

export type Request<Params, Query, Body> = {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The caller; routes with `auth: 'none'` have none. */
  readonly caller: Caller | null;
  /** Header values by lower-case name; empty string when absent. Good for the life of the request: the server copies them once a handler turns out asynchronous. */
  readonly header: (name: string) => string;
  readonly remoteAddress: string;
  /** Aborts when the client goes away. Made on first use. */
  readonly signal: AbortSignal;
};

/** The facts of a request that a ready answer may depend on. */
export type RequestLine = { getUrl(): string; getHeader(lowerCaseName: string): string };

export type RouteOptions<Path extends string, Query extends TSchema, Body extends TSchema> = {
  readonly method: Method;
  /** `/api/v1/media/:mediaId`, or with a trailing `*` whose text arrives as `params.rest`. */
  readonly path: Path;
  readonly auth: 'none' | 'user' | 'admin';
  readonly summary: string;
  readonly query?: Query;
  /** JSON body; absent: the route takes none. */
  readonly body?: Body;
  /** Most bytes of the body; absent: 64 KiB. */
  readonly maxBodyBytes?: number;
  /** Its JSON may arrive as text/plain, which is all that `navigator.sendBeacon` can send to another origin; it brings its own token. */
  readonly takesBeacon?: boolean;
  /** Answer schemas by status, for /openapi.json. */
  readonly responses: Readonly<Record<number, TSchema | string>>;
  /**
   * A GET without conditions or range is asked of this first: a reply that lies ready, or null in every other than the plain good case,
   * which `handler` then sees as if nothing had been.
   */
  readonly atOnce?: (request: RequestLine) => PreparedReply | null;
  readonly handler: (request: Request<PathParams<Path>, Static<Query>, Static<Body>>) => Reply | Promise<Reply>;
};

/** A route as the server sees it: the types of its parts forgotten. */
export type Route = Omit<RouteOptions<string, TSchema, TSchema>, 'handler'> & {
  readonly handler: (request: Request<Record<string, string>, unknown, unknown>) => Reply | Promise<Reply>;
};

/** Types a route from its path and schemas: `request.params.sessionId` does not compile where the path has none. */
export function route<const Path extends string, Query extends TSchema = TSchema, Body extends TSchema = TSchema>(
  options: RouteOptions<Path, Query, Body>,
): Route {
  return options as unknown as Route;
}

/** One connected WebSocket. Messages are JSON objects, one a frame. */
export type Socket = {
  /** False when the peer reads too slowly and the message was dropped. */
  send(message: object): boolean;
  close(code: number, reason: string): void;
};

export type SocketRoute = {
  readonly path: string;
  readonly summary: string;
  /** Schema of what the client may send; anything else is answered with an `error` message and not delivered. */
  readonly message: TSchema;
  /** Called before the upgrade; a thrown FerriteError refuses it with its status. */
  readonly authorize: (request: {
    params: Record<string, string>;
    query: (name: string) => string;
    header: (name: string) => string;
  }) => unknown | Promise<unknown>;
  /** `context` is what `authorize` returned. */
  readonly open: (socket: Socket, context: unknown) => { message(message: unknown): void; close(): void };
};

/** Types a socket route from what `authorize` returns and from the schema of its messages. */
export function socketRoute<Context, Message extends TSchema>(
  options: Omit<SocketRoute, 'message' | 'authorize' | 'open'> & {
    readonly message: Message;
    readonly authorize: (request: Parameters<SocketRoute['authorize']>[0]) => Context | Promise<Context>;
    readonly open: (socket: Socket, context: Context) => { message(message: Static<Message>): void; close(): void };
  },
): SocketRoute {
  return options as unknown as SocketRoute;
}
