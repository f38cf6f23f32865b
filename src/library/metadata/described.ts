// All that is known of a film, an episode or a show, as one description: files beside it before databases, and those before tags within it.
import { type Description, type Descriptions, firstTold, NO_DESCRIPTION } from '#domain/catalogue/description.ts';
import type { MediaId, ShowId } from '#domain/ids.ts';
import type { EmbeddedTags } from '#domain/media.ts';

/** Undefined: nothing. */
export class Described {
  readonly #records: { get(id: MediaId | ShowId): Descriptions | undefined };

  constructor(records: { get(id: MediaId | ShowId): Descriptions | undefined }) {
    this.#records = records;
  }

  get(id: MediaId | ShowId, tags?: EmbeddedTags): Description | undefined {
    return describedBy(this.#records.get(id), tags);
  }
}

export function describedBy(record: Descriptions | undefined, tags?: EmbeddedTags): Description | undefined {
  const told = [record?.nfo?.description, record?.provider?.description, tagged(tags)].flatMap(one => one ?? []);
  return told.length < 2 ? told[0] : firstTold(told);
}

/** But for the title, which counts only where the name says nothing. */
function tagged(tags: EmbeddedTags | undefined): Description | undefined {
  if (tags === undefined) return undefined;
  const { description, genres, date } = tags;
  const premiered = date !== null && /^\d{4}-\d{2}-\d{2}/.test(date) ? date.slice(0, 10) : null;
  if (description === null && genres.length === 0 && premiered === null) return undefined;
  return { ...NO_DESCRIPTION, overview: description, genres, premiered };
}
