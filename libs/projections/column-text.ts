import { escapeJsonText, escapeText, unescapeJson } from '#libs/database/text-escape.js';
import { isBlobReference } from '#libs/kernel/blob-reference.js';
import { toStoredJson, withReferences } from '#libs/event-store/stored-json.js';

/**
 * A text of an event as a text column can hold it; of one that went to a blob the beginning. Any text of an event may
 * have gone there, however short it usually is: a projection that takes one for granted would stop at it for everybody.
 */
export const columnText = (value: unknown): string =>
  escapeText(isBlobReference(value) ? String(value.preview) : String(value));

/** A value of an event as a JSON column can hold it; what went to a blob as its reference. */
export const columnJson = (value: unknown): string => escapeJsonText(toStoredJson(value));

/** The value that columnJson was given. */
export const fromColumnJson = (json: string): unknown => withReferences(unescapeJson(json), json);
