import { fingerprint } from './entry-names.js';
import type { EntryOrigin } from './entry-log.js';
import { isRecord, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import type { ParentId, ThreadTree } from './thread-tree.js';

/** One line of a Claude Code file, or a line of a sub-agent that stands inside one. */
export interface ClaudeCodeLine {
  readonly record: JsonRecord;
  readonly number: number;
  readonly text: string;
}

/** An entry takes the id of the line that it begins on. */
export const originOf = (line: ClaudeCodeLine): EntryOrigin => ({
  id: textAt(line.record, 'uuid') ?? `line-${fingerprint(line.text)}`,
  line: line.number,
  time: textAt(line.record, 'timestamp'),
  copiedFrom: textAt(recordAt(line.record, 'forkedFrom'), 'messageUuid'),
});

/** What the line hangs under. After a compaction that is the line that the compacted conversation ended with. */
export function parentIdOf(record: JsonRecord, tree: ThreadTree): ParentId {
  const parentId = record['parentUuid'];
  if (typeof parentId === 'string') return parentId;
  const logical = textAt(record, 'logicalParentUuid');
  if (logical !== undefined) return tree.has(logical) ? logical : undefined;
  return parentId === null ? null : undefined;
}

/** The sub-agent that a tool result tells of in its structured form. */
export const agentIdOf = (toolUseResult: unknown): string | undefined =>
  isRecord(toolUseResult) ? textAt(toolUseResult, 'agentId') : undefined;

/** The sub-agent that a sub-agent tool's answer names in its last lines. */
export const agentIdInAnswer = (text: string): string | undefined =>
  /(?:^|\n)agentId: ([\w-]{1,100})/.exec(text.slice(-2000))?.[1];
