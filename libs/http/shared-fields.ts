import { IsFlag, IsOneOf, IsText, IsWhole } from './fields.js';

// Fields that many routes take, and that mean the same everywhere.

/** How many of `what` stand on a page: 1 to `max`, without it 100. */
export const IsLimit = (what: string, max = 1_000): PropertyDecorator =>
  IsWhole({ min: 1, max, description: `${what} at most.`, optional: true, default: 100 });

/** Where the page begins: what the former one answered as its `cursor`. */
export const IsCursor = (): PropertyDecorator =>
  IsText({ max: 2_000, description: 'Where the former page ended, from its `cursor`.', optional: true });

export type Order = 'oldest' | 'newest';

/** Which end comes first; without it `first`. */
export const IsOrder = (first: Order): PropertyDecorator =>
  IsOneOf([first, first === 'oldest' ? 'newest' : 'oldest'], {
    description: 'Which end comes first.',
    optional: true,
    default: first,
  });

/** Whether the route is to change nothing; without it false. */
export const IsDryRun = (description = 'Answer what would happen, and change nothing.'): PropertyDecorator =>
  IsFlag({ description, optional: true, default: false });
