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
  { store, codec }: Log,
  rows: readonly MessageRow[],
  at: bigint | null,
): Promise<readonly MessageRow[]> {
  if (at === null) return rows;
  const then: MessageRow[] = [];
  for (const row of rows) {
    const amendments = row.amendments === null ? [] : (JSON.parse(row.amendments) as Amendment[]);
    const later = amendments.findIndex(([position]) => BigInt(position) > at);
    if (later < 0) then.push(row);
    else {
      const eventId = amendments[later - 1]?.[1] ?? row.message_id;
      const [stored] = await store.findEvents(taskStream(row.task_id), [eventId]);
      then.push(stored ? { ...row, ...columnsOf(codec.decode(stored).event as TaskEvent) } : row);
    }
  }
  return then;
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
