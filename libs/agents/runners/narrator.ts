import { createHash } from 'node:crypto';
import { formatUuid } from '#libs/kernel/ids.js';
import type { FileChangeEntry, ImageEntry } from '../transcripts/transcript.js';
import type { Happening } from './happening.js';

/** What an activity item may hold of text. */
const MAX_TEXT = 19_900_000;
const MAX_REASON = 10_000;
const MAX_TOKENS = 1_000_000_000;
const MAX_PATH = 4_096;
const MAX_LINES = 100_000_000;

/** The id of what happened at a place of a run: a UUID of version 8 (RFC 9562), from a SHA-256. */
export function happeningId(runId: string, place: string): string {
  const bytes = createHash('sha256').update(`${runId}\n${place}`).digest();
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return formatUuid(bytes);
}

/** A happening without what the narrator gives it. Distributes over the union. */
export type Telling<Each extends Happening = Happening> = Each extends Happening
  ? Omit<Each, 'id' | 'occurredAt'>
  : never;

/** Gives what happens its id and time, and cuts what no activity item can hold. */
export class Narrator {
  constructor(
    private readonly runId: string,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** @param place what this comes from, once in a run: a stream and line (`stdout:12`), and which part of it. */
  tell(place: string, telling: Telling): Happening {
    return { id: this.idOf(place), occurredAt: this.now().toISOString(), ...fitted(telling) };
  }

  idOf(place: string): string {
    return happeningId(this.runId, place);
  }

  /** A call's id that is unique in the task, of an id that the agent gives again in every run. */
  callId(id: string): string {
    return `${this.runId}:${id}`;
  }
}

function fitted(telling: Telling): Telling {
  switch (telling.kind) {
    case 'message': {
      const { thinking, usage } = telling;
      return {
        ...telling,
        content: cutText(telling.content, MAX_TEXT),
        ...(thinking !== undefined && { thinking: cutText(thinking, MAX_TEXT) }),
        ...(usage && { usage: { ...usage, ...boundedCounts(usage) } }),
      };
    }
    case 'tool_result':
      return {
        ...telling,
        content: cutText(telling.content, MAX_TEXT),
        ...(telling.files && { files: telling.files.filter(isFitting) }),
      };
    case 'output':
      return { ...telling, content: cutText(telling.content, MAX_TEXT) };
    case 'line':
      return {
        ...telling,
        lineType: telling.lineType.slice(0, 200) || 'unnamed',
        content: cutText(telling.content, MAX_TEXT),
      };
    case 'status':
      return telling;
    case 'end':
      return telling.reason === undefined
        ? telling
        : { ...telling, reason: cutText(telling.reason, MAX_REASON) };
  }
}

const isFitting = ({ path, linesAdded = 0, linesRemoved = 0 }: FileChangeEntry): boolean =>
  path !== '' && path.length <= MAX_PATH && Math.max(linesAdded, linesRemoved) <= MAX_LINES;

const boundedCounts = (usage: object): Record<string, number> =>
  Object.fromEntries(Object.entries(usage).map(([key, count]) => [key, Math.min(Number(count), MAX_TOKENS)]));

/** A text of at most `max` UTF-16 units; one that was longer says so at its end. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const note = ` [cut: ${text.length} characters]`;
  const end = Math.max(0, max - note.length);
  // Half a surrogate pair would be no character.
  const isWithinPair = end > 0 && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return text.slice(0, isWithinPair ? end - 1 : end) + note;
}

/** How pictures are named in a text: activity has no place for them. */
export const picturesText = (images: readonly ImageEntry[] | undefined): readonly string[] =>
  (images ?? []).map(({ mediaType, bytes }) => `[${mediaType}, ${bytes.byteLength} bytes]`);
