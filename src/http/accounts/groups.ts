// Groups of users, for administrators: limits that their members have where they have none of their own.
import Type from 'typebox';
import { parseGroupId } from '#domain/ids.ts';
import type { Group } from '#domain/media.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { AuthService } from '#src/auth/auth.ts';
import { OwnLimitsSchema } from './limit-schemas.ts';
import type { RequestAudit } from './request-audit.ts';

const Name = Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' });
const GroupAnswer = Type.Object({ id: Type.String(), name: Type.String(), limits: OwnLimitsSchema, createdAtMs: Type.Integer() });
const NewGroup = Type.Object({ name: Name, limits: Type.Optional(OwnLimitsSchema) });
const Changes = Type.Object({ name: Type.Optional(Name), limits: Type.Optional(OwnLimitsSchema) });

export const groupRoutes = (auth: AuthService, audit: RequestAudit): Route[] => [
  listGroups(auth),
  postGroup(auth, audit),
  getGroup(auth),
  patchGroup(auth, audit),
  deleteGroup(auth, audit),
];

const listGroups = ({ groups }: AuthService): Route =>
  route({
    method: 'GET',
    path: '/api/v1/groups',
    auth: 'admin',
    summary: 'The groups of users, by name',
    responses: { 200: Type.Object({ items: Type.Array(GroupAnswer), nextCursor: Type.Null() }) },
    handler: () => ({ status: 200, json: { items: groups.list(), nextCursor: null } }),
  });

const postGroup = ({ groups }: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'POST',
    path: '/api/v1/groups',
    auth: 'admin',
    summary: 'Make a group',
    body: NewGroup,
    responses: { 201: GroupAnswer, 409: 'The name is taken' },
    handler: async request => {
      const { name, limits = {} } = request.body;
      const group = await groups.create({ name, limits });
      await audit.note(request, 'group-added', { subject: groupSubject(group) });
      return { status: 201, json: group };
    },
  });

const getGroup = ({ groups }: AuthService): Route =>
  route({
    method: 'GET',
    path: '/api/v1/groups/:groupId',
    auth: 'admin',
    summary: 'One group',
    responses: { 200: GroupAnswer, 404: 'GROUP_NOT_FOUND' },
    handler: ({ params }) => ({ status: 200, json: groups.get(parseGroupId(params.groupId)) }),
  });

const patchGroup = ({ groups }: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'PATCH',
    path: '/api/v1/groups/:groupId',
    auth: 'admin',
    summary: 'Change a group; its limits as a whole. Holds for its members at once',
    body: Changes,
    responses: { 200: GroupAnswer, 404: 'GROUP_NOT_FOUND', 409: 'The name is taken' },
    handler: async request => {
      const { name, limits } = request.body;
      const id = parseGroupId(request.params.groupId);
      const group = await groups.update(id, { ...(name === undefined ? {} : { name }), ...(limits === undefined ? {} : { limits }) });
      const detail = limits === undefined ? {} : { detail: 'limits' };
      await audit.note(request, 'group-changed', { subject: groupSubject(group), ...detail });
      return { status: 200, json: group };
    },
  });

const deleteGroup = ({ groups }: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'DELETE',
    path: '/api/v1/groups/:groupId',
    auth: 'admin',
    summary: 'Remove a group that has no members',
    responses: { 204: 'Removed', 404: 'GROUP_NOT_FOUND', 409: 'It has members' },
    handler: async request => {
      const group = await groups.remove(parseGroupId(request.params.groupId));
      await audit.note(request, 'group-removed', { subject: groupSubject(group) });
      return { status: 204, empty: true };
    },
  });

const groupSubject = ({ id, name }: Group) => ({ kind: 'group', id, name }) as const;
