// Who asks for titles, with the limits that hold for them at this moment: their own, and their group's for the rest.
import { type Limits, limitsOf, type Viewer } from '#domain/access/limits.ts';
import type { UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import type { GroupRepository } from '#storage/records/accounts/groups.ts';
import type { UserRepository } from '#storage/records/users.ts';

export class Viewers {
  readonly #users: Pick<UserRepository, 'get'>;
  readonly #groups: Pick<GroupRepository, 'get'>;

  constructor({ users, groups }: { readonly users: Pick<UserRepository, 'get'>; readonly groups: Pick<GroupRepository, 'get'> }) {
    this.#users = users;
    this.#groups = groups;
  }

  /** Two reads of the store, which are in memory. Of a user who is gone: somebody to whom no library is there. */
  of({ userId }: { readonly userId: UserId }): Viewer {
    const user = this.#users.get(userId);
    if (user === undefined) return { role: 'viewer', limits: limitsOf({ libraryIds: [] }) };
    return { role: user.role, limits: this.limitsOf(user) };
  }

  limitsOf({ limits, groupId }: Pick<User, 'limits' | 'groupId'>): Limits {
    return limitsOf(limits, groupId == null ? {} : this.#groups.get(groupId)?.limits);
  }
}
