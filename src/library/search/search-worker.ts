// What runs in the thread of the search: the index, opened once, and one answer after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { isDamage } from './index-file.ts';
import { SearchIndex } from './search-index.ts';
import type { FromThread, Requests, RequestType, ThreadData, ToThread } from './search-protocol.ts';
import { Searching } from './searching.ts';

/** Nobody is waiting: what takes long may be done. */
const IDLE_MS = 1_000;

type Handlers = { readonly [T in RequestType]: (input: Requests[T]['input']) => Requests[T]['output'] };

function serve(port: NonNullable<typeof parentPort>, { path }: ThreadData): void {
  const tell = (message: FromThread): void => port.postMessage(message);
  let index: SearchIndex;
  try {
    index = new SearchIndex(path);
  } catch (error) {
    tell({ kind: 'lost', isDamaged: isDamage(error), message: String(error) });
    return;
  }
  const searching = new Searching(index);
  const handlers: Handlers = {
    findGroups: query => searching.findGroups(query),
    findIds: query => searching.findIds(query),
    apply: ({ documents, removed }) => {
      const written = index.apply(JSON.parse(documents), removed);
      if (written > 0) searching.changed();
      return { written };
    },
    beginRound: () => {
      index.beginRound();
      return null;
    },
    endRound: () => {
      const removed = index.endRound();
      searching.changed();
      return { removed };
    },
    status: () => ({
      isComplete: index.isComplete,
      generation: index.generation,
      documents: index.count,
      spellingBytes: index.spelling.byteLength,
    }),
  };
  const lose = (error: unknown): void => {
    index.discard();
    tell({ kind: 'lost', isDamaged: true, message: String(error) });
    port.close();
  };
  const keepSpelling = (): void => {
    try {
      index.keepSpelling();
    } catch (error) {
      lose(error);
    }
  };
  let idle: NodeJS.Timeout | undefined;
  port.on('message', (message: ToThread | 'close') => {
    if (message === 'close') {
      clearTimeout(idle);
      index.close();
      port.close();
      return;
    }
    try {
      const handler = handlers[message.type] as (input: unknown) => Requests[RequestType]['output'];
      tell({ kind: 'reply', id: message.id, output: handler(message.input) });
    } catch (error) {
      if (isDamage(error)) {
        clearTimeout(idle);
        lose(error);
        return;
      }
      tell({ kind: 'failure', id: message.id, message: String(error) });
    }
    clearTimeout(idle);
    idle = setTimeout(keepSpelling, IDLE_MS);
  });
  tell({ kind: 'opened', beginning: index.beginning, isComplete: index.isComplete });
}

if (parentPort !== null) serve(parentPort, workerData);
