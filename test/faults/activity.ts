import { randomUUID } from 'node:crypto';
import type { Chance } from './chance.js';

/** One item of POST /api/v1/mesh/tasks/:id/activity. */
export interface Item {
  readonly id: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** The text that the event of this id carries: it follows from the id, so that nobody has to remember it. */
export function textOf(id: string): string {
  const length = Number.parseInt(id.slice(0, 3), 16) % 900;
  return `${id} ${'Grüße an "alle" \\ 🦊\n'.repeat(length / 20)}`;
}

type Make = (id: string, text: string) => Omit<Item, 'id'>;

const KINDS: readonly Make[] = [
  (_id, content) => ({ kind: 'output', channel: 'stdout', content }),
  (_id, content) => ({ kind: 'output', channel: 'agent', content }),
  (_id, content) => ({ kind: 'message', role: 'user', content }),
  (_id, content) => ({ kind: 'message', role: 'assistant', content, usage: { input: 10, output: 20 } }),
  (id, content) => ({
    kind: 'message',
    role: 'assistant',
    content,
    toolCalls: [{ id: `call-${id}`, name: 'Edit', input: { file_path: `src/${id}.ts` } }],
  }),
  (id, content) => ({ kind: 'tool_result', toolCallId: `call-${id}`, toolName: 'Edit', content }),
  (_id, reason) => ({ kind: 'status', status: 'running', reason }),
  (_id, path) => ({ kind: 'files', files: [{ path, action: 'M', linesAdded: 1, linesRemoved: 2 }] }),
  (_id, raw) => ({ kind: 'line', lineType: 'progress', content: raw }),
  (_id, message) => ({
    kind: 'checkpoint',
    checkpoint: {
      commitSha: 'a'.repeat(40),
      message,
      filesChanged: [{ path: 'README.md', action: 'A' }],
      linesAdded: 1,
      linesRemoved: 0,
    },
  }),
];

/** One to three items of any kind, each with an id of its own. */
export function items(chance: Chance): readonly Item[] {
  return Array.from({ length: chance.whole(1, 3) }, () => {
    const id = randomUUID();
    return { id, ...chance.pick(KINDS)(id, textOf(id)) } as Item;
  });
}
