// Groups of users, with the limits that their members have where they have none of their own. Single writer: the main thread.
import { FerriteError } from '#domain/errors.ts';
import type { GroupId } from '#domain/ids.ts';
import type { Group } from '#domain/media.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const GROUPS: Family = { name: 'groups', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

/** An administrator who needs more needs another kind of server: they are listed on one page. */
const MAX_GROUPS = 200;

export class GroupRepository {
  readonly #environment: Environment;
  readonly #groups: Table<GroupId, Group>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#groups = environment.table(GROUPS.name);
  }

  get(id: GroupId): Group | undefined {
    return this.#groups.get(id);
  }

  /** By name. */
  list(): Group[] {
    return [...this.#groups.entries()].map(({ value }) => value).sort((a, b) => a.name.localeCompare(b.name, 'en'));
  }

  async create(group: Group): Promise<void> {
    await this.#environment.write(tx => {
      if (this.#groups.count() >= MAX_GROUPS) throw new FerriteError('CONFLICT', `there are ${MAX_GROUPS} groups, the most there may be`);
      this.#refuseTakenName(group);
      tx.put(this.#groups, group.id, group);
    });
  }

  /** Atomic: `change` sees the group as stored. */
  async update(id: GroupId, change: (group: Group) => Group): Promise<Group> {
    return await this.#environment.write(tx => {
      const after = change(this.#required(id));
      this.#refuseTakenName(after);
      tx.put(this.#groups, id, after);
      return after;
    });
  }

  /** `check` runs in the same transaction: an error it throws undoes everything. */
  async remove(id: GroupId, check: () => void): Promise<Group> {
    return await this.#environment.write(tx => {
      const group = this.#required(id);
      check();
      tx.remove(this.#groups, id);
      return group;
    });
  }

  #required(id: GroupId): Group {
    const group = this.#groups.get(id);
    if (group === undefined) throw new FerriteError('GROUP_NOT_FOUND', 'no group has this id');
    return group;
  }

  #refuseTakenName({ id, name }: Group): void {
    const folded = fold(name);
    for (const { value } of this.#groups.entries()) {
      if (value.id !== id && fold(value.name) === folded) throw new FerriteError('CONFLICT', 'another group has this name');
    }
  }
}

const fold = (name: string): string => name.normalize('NFKC').toLowerCase();
