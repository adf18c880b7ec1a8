import { argumentsOf } from './codex-content.js';
import type { EntryOrigin } from './entry-log.js';
import { fingerprint, safeId } from './entry-names.js';
import { isRecord, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import type { RecordLine } from './line-reader.js';
import type { ToolCallEntry } from './transcript.js';

/** A rollout's line: `{ timestamp, type, payload }`. The oldest files have the payload alone. */
export interface RolloutLine {
  readonly line: RecordLine;
  readonly type: string;
  readonly payload: JsonRecord;
  readonly time: string | undefined;
}

export function rolloutLine(line: RecordLine): RolloutLine {
  const { value } = line;
  const type = textAt(value, 'type');
  const time = textAt(value, 'timestamp');
  const payload = recordAt(value, 'payload');
  if (payload) return { line, type: type ?? '(no type)', payload, time };
  if (type !== undefined) return { line, type: 'response_item', payload: value, time };
  const isHead = textAt(value, 'id') !== undefined && time !== undefined;
  return {
    line,
    type: isHead ? 'session_meta' : (textAt(value, 'record_type') ?? '(no type)'),
    payload: value,
    time,
  };
}

/**
 * The item's own id where it has one, else a name from its content: without its time, so that a fork, which writes its
 * parent's items again, gives them the same names.
 */
export function originOf({ line, payload, time }: RolloutLine): EntryOrigin {
  const id =
    textAt(payload, 'id') ??
    `item-${fingerprint(line.text.slice(Math.max(0, line.text.indexOf('"payload"'))))}`;
  return { id, line: line.number, time };
}

/** A `*_call` item as a call; `name` and input have a place of their own in each kind. */
export function callOf(rollout: RolloutLine, type: string): ToolCallEntry {
  const { payload } = rollout;
  const id = safeId(textAt(payload, 'call_id') ?? originOf(rollout).id);
  const name = textAt(payload, 'name') ?? type.replace(/_call$/, '');
  const space = textAt(payload, 'namespace');
  const text = textAt(payload, 'arguments');
  const input = text === undefined ? (payload['input'] ?? payload['action'] ?? {}) : argumentsOf(text);
  return { id, name: space ? `${space}${space.endsWith('_') ? '' : '.'}${name}` : name, input };
}

/** The thread that started this one as a sub-agent, as the session's first line tells. */
export function parentThreadOf(meta: JsonRecord | undefined): string | undefined {
  const told = textAt(meta, 'parent_thread_id');
  if (told !== undefined) return safeId(told);
  const source =
    recordAt(recordAt(meta, 'source'), 'subagent') ?? recordAt(recordAt(meta, 'source'), 'sub_agent');
  const spawn = source && Object.values(source).find(isRecord);
  const id = textAt(spawn, 'parent_thread_id');
  return id === undefined ? undefined : safeId(id);
}
