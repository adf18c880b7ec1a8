/** Chats of Gemini CLI for the specs of this folder; what they say is invented. Imported by specs only. */
import { fileOf, linesFile, mainSession, transcriptOf } from './spec-lines.js';
import type { Transcript } from './transcript.js';

export type ChatFields = Readonly<Record<string, unknown>>;

export const HEAD = {
  sessionId: 'chat-1',
  projectHash: 'abc',
  startTime: '2026-03-06T14:00:00.000Z',
  kind: 'main',
};

export const at = (seconds: number): string => new Date(Date.UTC(2026, 2, 6, 14, 0, seconds)).toISOString();
export const user = (id: string, content: unknown, fields: ChatFields = {}): ChatFields => ({
  id,
  type: 'user',
  timestamp: at(1),
  content,
  ...fields,
});
export const gemini = (id: string, content: unknown, fields: ChatFields = {}): ChatFields => ({
  id,
  type: 'gemini',
  timestamp: at(2),
  content,
  model: 'gemini-3-pro',
  ...fields,
});
export const call = (id: string, name: string, fields: ChatFields = {}): ChatFields => ({
  id,
  name,
  args: {},
  status: 'success',
  timestamp: at(3),
  result: [{ functionResponse: { id, name, response: { output: `output of ${id}` } } }],
  ...fields,
});

export const lines = (...records: readonly ChatFields[]): Transcript =>
  transcriptOf(linesFile('chats/session-1.jsonl', [HEAD, ...records]));
export const document = (...messages: readonly ChatFields[]): Transcript =>
  transcriptOf(fileOf('chats/session-1.json', JSON.stringify({ ...HEAD, messages }, null, 2)));

export const entries = (transcript: Transcript): unknown[] =>
  mainSession(transcript).entries.map((entry) =>
    entry.kind === 'rewind' ? [entry.kind, entry.keepUpTo] : entry.sourceId,
  );
