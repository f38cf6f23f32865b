// What the thread of the search is asked and answers. Both sides share only this.
import type { GroupQuery, HitGroup, IdPage, SearchQuery } from './search-document.ts';

export type Requests = {
  /** The best of each kind, with what matched. */
  findGroups: { readonly input: GroupQuery; readonly output: readonly HitGroup[] };
  /** One after the other, by page. */
  findIds: { readonly input: SearchQuery; readonly output: IdPage };
  /** `documents`: JSON of a list of them, for one text crosses threads sooner than a thousand objects. */
  apply: {
    readonly input: { readonly documents: string; readonly removed: readonly string[] };
    readonly output: { readonly written: number };
  };
  beginRound: { readonly input: null; readonly output: null };
  endRound: { readonly input: null; readonly output: { readonly removed: number } };
  status: { readonly input: null; readonly output: IndexStatus };
};
export type RequestType = keyof Requests;

export type IndexStatus = {
  /** Whether it has every title, as far as it was told. */
  readonly isComplete: boolean;
  readonly generation: number;
  readonly documents: number;
  /** Of the index of spellings, in memory. */
  readonly spellingBytes: number;
};

export type ToThread = {
  readonly [T in RequestType]: { readonly id: number; readonly type: T; readonly input: Requests[T]['input'] };
}[RequestType];

export type FromThread =
  | { readonly kind: 'opened'; readonly beginning: 'kept' | 'missing' | 'damaged' | 'other-format'; readonly isComplete: boolean }
  /** The file can not be opened, or was found damaged and is thrown away: the thread ends. */
  | { readonly kind: 'lost'; readonly isDamaged: boolean; readonly message: string }
  | { readonly kind: 'reply'; readonly id: number; readonly output: Requests[RequestType]['output'] }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string };

export type ThreadData = { readonly path: string };
