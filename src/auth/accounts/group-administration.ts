// The groups as an administrator manages them.
import { FerriteError } from '#domain/errors.ts';
import { type GroupId, newGroupId } from '#domain/ids.ts';
import type { Group, User } from '#domain/media.ts';
import type { Database } from '#storage/database.ts';
import type { LimitChanges } from './limit-changes.ts';

export type NewGroup = Pick<Group, 'name' | 'limits'>;

export class GroupAdministration {
  readonly #database: Pick<Database, 'users' | 'groups'>;
  readonly #changes: LimitChanges;
  readonly #now: () => number;

  constructor(database: Pick<Database, 'users' | 'groups'>, changes: LimitChanges, now: () => number) {
    this.#database = database;
    this.#changes = changes;
    this.#now = now;
  }

  list(): readonly Group[] {
    return this.#database.groups.list();
  }

  get(id: GroupId): Group {
    const group = this.#database.groups.get(id);
    if (group === undefined) throw new FerriteError('GROUP_NOT_FOUND', 'no group has this id');
    return group;
  }

  async create({ name, limits }: NewGroup): Promise<Group> {
    const group: Group = { id: newGroupId(), name: nameOf(name), limits, createdAtMs: this.#now() };
    await this.#database.groups.create(group);
    return group;
  }

  /** Its members have the new limits from the next request on; what they may not watch any more ends. */
  async update(id: GroupId, { name, limits }: Partial<NewGroup>): Promise<Group> {
    const group = await this.#database.groups.update(id, before => ({
      ...before,
      ...(name === undefined ? {} : { name: nameOf(name) }),
      ...(limits === undefined ? {} : { limits }),
    }));
    if (limits !== undefined) for (const user of this.#membersOf(id)) this.#changes.tell(user.id);
    return group;
  }

  /** Only an empty one: with it its members would lose their limits. */
  async remove(id: GroupId): Promise<Group> {
    return await this.#database.groups.remove(id, () => {
      const [member] = this.#membersOf(id);
      if (member !== undefined) throw new FerriteError('CONFLICT', `the group has members, ${member.username} among them: move them first`);
    });
  }

  #membersOf(id: GroupId): readonly User[] {
    return this.#database.users.membersOf(id);
  }
}

function nameOf(text: string): string {
  const name = text.trim();
  if (name === '') throw new FerriteError('INVALID_REQUEST', '/name is empty', { fields: [{ path: '/name', message: 'is empty' }] });
  return name;
}
