// What the routes of a viewer's own progress are made of.
import type { CatalogueParts } from '#http/catalogue/parts.ts';
import type { SavedProgress } from '#src/progress/saved-progress.ts';

export type ViewingParts = Omit<CatalogueParts, 'progress'> & { readonly progress: SavedProgress };
