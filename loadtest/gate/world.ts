// The world of every check of the gate: one running server, one user signed in, one film.
import type { Account } from '../viewers/account.ts';
import type { Server } from '../world/server.ts';

export type GateWorld = { readonly server: Server; readonly account: Account; readonly mediaId: string; readonly inspectorPort: number };
