import { binaryArray } from '#libs/database/binary-array.js';
import { sql, type Sql } from '#libs/database/sql.js';
import type { Segment } from './segments.js';

/** Segments as rows (task_id, from_seq, to_seq, ordinal) of a FROM clause. */
export const segmentRows = (segments: readonly Segment[]): Sql => sql`unnest(
    ${binaryArray(
      'uuid',
      segments.map((s) => s.taskId),
    )}::uuid[], ${binaryArray(
      'int4',
      segments.map((s) => s.from),
    )}::int[],
    ${binaryArray(
      'int4',
      segments.map((s) => s.to),
    )}::int[]) WITH ORDINALITY AS s(task_id, from_seq, to_seq, ordinal)`;

/**
 * One segment's messages. OFFSET 0 keeps them a look-up of their own, here and below: a join would read all messages, or
 * pair a task's with all its segments.
 */
export const messagesOfSegment = (columns: Sql): Sql => sql`SELECT ${columns} FROM messages m
  WHERE m.task_id = s.task_id AND m.seq BETWEEN s.from_seq AND s.to_seq OFFSET 0`;
