import type { Row } from '#libs/database/database.js';
import type { EventCodec } from '#libs/event-store/codec.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { taskStream, type TaskEvent } from '../task/task.events.js';
import type { MessageRow } from './conversation.queries.js';
import { messageColumns, resultColumns, type Amendment } from './message-columns.js';

/** Where the former values of amended messages are: read models keep the last one only. */
export interface Log {
  readonly store: EventStore;
  readonly codec: EventCodec;
}

/** Rows as they stood at a position: those amended since get the value that they had then, from the log. */
export async function asTheyStood(
  log: Log,
  rows: readonly MessageRow[],
  at: bigint | null,
): Promise<readonly MessageRow[]> {
  if (at === null) return rows;
  const then: MessageRow[] = [];
  for (const row of rows) then.push({ ...row, ...(await formerColumns(log, row, at)) });
  return then;
}

/** What a message's columns held at a position, from the log; null where they have not changed since. */
export async function formerColumns(
  { store, codec }: Log,
  message: Pick<MessageRow, 'task_id' | 'message_id' | 'amendments'>,
  at: bigint,
): Promise<Partial<MessageRow> | null> {
  const amendments = message.amendments === null ? [] : (JSON.parse(message.amendments) as Amendment[]);
  const later = amendments.findIndex(([position]) => BigInt(position) > at);
  if (later < 0) return null;
  const eventId = amendments[later - 1]?.[1] ?? message.message_id;
  const [stored] = await store.findEvents(taskStream(message.task_id), [eventId]);
  return stored ? columnsOf(codec.decode(stored).event as TaskEvent) : null;
}

function columnsOf(event: TaskEvent): Partial<MessageRow> {
  const columns = rowOf(event);
  const tokens = columns['token_count'] as number | null | undefined;
  return { ...columns, ...(tokens == null ? {} : { token_count: BigInt(tokens) }) };
}

function rowOf(event: TaskEvent): Row {
  switch (event.type) {
    case 'MessageRecorded':
      return messageColumns(event.data);
    case 'ToolResultRecorded':
      return resultColumns(event.data);
    case 'MessageAmended':
      return event.data.kind === 'message' ? messageColumns(event.data) : resultColumns(event.data);
    default:
      return {};
  }
}
