import { isUuid } from '#libs/kernel/ids.js';
import { UsageError } from '../usage-error.js';

/** A checkpoint as it is named on a command line, as rewinds name it. */
export type NamedCheckpoint =
  { readonly toCheckpoint: number } | { readonly checkpointId: string } | { readonly checkpointSha: string };

/** Tells a checkpoint's number, id and whole commit id from each other. */
export function namedCheckpoint(text: string): NamedCheckpoint {
  const name = text.trim().toLowerCase();
  if (/^[1-9]\d{0,8}$/.test(name)) return { toCheckpoint: Number(name) };
  if (isUuid(name)) return { checkpointId: name };
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(name)) return { checkpointSha: name };
  throw new UsageError(`${JSON.stringify(text)} is no checkpoint: give its number, its id or its commit id`, [
    'see them with: makima task checkpoints <task>',
  ]);
}
