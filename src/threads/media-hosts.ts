// Where media are worked on, as the rest of the server knows it: each media has one host, and its users need not know whether that is a thread, another process or another machine.
import type { MediaId } from '#domain/ids.ts';
import type { FromWorker, Requests, RequestType, ToWorker } from '#domain/protocol.ts';
import type { Listenable } from '#src/events.ts';

/** The events of a host. */
export type HostMessage = Exclude<FromWorker, { kind: 'ready' | 'pong' | 'reply' | 'failure' }>;

/** The messages to a host that have no answer. */
export type Notification = Extract<ToWorker, { kind: 'sent' | 'overtaken' | 'ahead-ended' | 'covered' | 'heartbeat' }>;

export type HostNumber = number;

export type HostEvents = { readonly [K in HostMessage['kind']]: readonly [message: Extract<HostMessage, { kind: K }>] } & {
  /** A host died; a new one is started. */
  readonly lost: readonly [error: unknown];
  /** The new host is ready: the sessions that the lost one had open must be opened again. */
  readonly replaced: readonly [host: HostNumber];
};

export interface MediaHosts {
  readonly events: Listenable<HostEvents>;

  /** False while one is missing. */
  readonly isReady: boolean;

  /** Asks the host of the media. Rejects with its FerriteError, or WORKER_LOST when it died meanwhile; with DRAINING once all are closing. */
  request<T extends RequestType>(type: T, input: Requests[T]['input'], signal?: AbortSignal): Promise<Requests[T]['output']>;

  /** Tells the host of the media; lost where that is being replaced. */
  notify(mediaId: MediaId, message: Notification): void;

  /** Whether that host is the one of the media. */
  owns(host: HostNumber, mediaId: MediaId): boolean;

  /** Resolves when no host is missing; rejects with WORKER_LOST after the deadline. */
  whenReady(deadlineMs: number): Promise<void>;
}
