import { escapeText } from '#libs/database/text-escape.js';
import { isBlobReference } from '#libs/event-store/codec.js';

/**
 * A text of an event as a text column can hold it; of one that went to a blob the beginning. Any text of an event may
 * have gone there, however short it usually is: a projection that takes one for granted would stop at it for everybody.
 */
export const columnText = (value: unknown): string =>
  escapeText(isBlobReference(value) ? String(value.$blob.preview) : String(value));
