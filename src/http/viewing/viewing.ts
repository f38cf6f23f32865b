// Every route of what a viewer has watched and goes on with.
import type { Route } from '#http/contract/route.ts';
import { continueRoutes } from './continue.ts';
import { historyRoutes } from './history.ts';
import { markRoutes } from './marks.ts';
import type { ViewingParts } from './parts.ts';
import { progressRoutes } from './progress.ts';
import { transferRoutes } from './transfer.ts';

export const viewingRoutes = (parts: ViewingParts): Route[] => [
  ...progressRoutes(parts),
  ...continueRoutes(parts),
  ...markRoutes(parts),
  ...historyRoutes(parts),
  ...transferRoutes(parts),
];
