import { Inject, Injectable } from '@nestjs/common';
import type { Queryable } from '#libs/database/database.js';
import { BlobStore } from '#libs/event-store/blob-store.js';
import type { ConversationMessage } from './conversation.answers.dto.js';
import { toMessages, type MessageOptions } from './conversation.message.js';
import { formerMessagesOf } from './former-messages.queries.js';
import { messagesIn, totalsOf, type MessageRow, type Shown } from './conversation.queries.js';
import { slice } from './segments.js';

export interface PageOptions extends MessageOptions {
  readonly order: 'oldest' | 'newest';
  /** Messages at most. */
  readonly limit: number;
  /** Where the page starts: how many messages, from the oldest, lie before it (before its end, for newest first). */
  readonly start: number | null;
}

export interface ConversationPage {
  readonly messages: readonly ConversationMessage[];
  /** Where the next page starts; null after the last. */
  readonly next: number | null;
  /** With the first page only, and null where no message says. */
  readonly totalTokens: number | null;
  /** The same, in US dollars. */
  readonly totalCost: number | null;
}

/** Reads pages of what conversations show. A page's cost depends on its length, not on the conversation's. */
@Injectable()
export class ConversationReader {
  constructor(@Inject(BlobStore) private readonly blobs: BlobStore) {}

  /** `at`: messages that were amended later are shown as they stood then. */
  async page(
    db: Queryable,
    ownerId: string,
    shown: Shown,
    at: bigint | null,
    options: PageOptions,
  ): Promise<ConversationPage> {
    const { rows: present, next } = await collect(db, shown, options);
    const rows = await asTheyStood(db, present, at);
    const whole = rows.length === shown.totalCount;
    // Summing up costs as much as the conversation is long, so it is done once: with the first page.
    const totals = whole
      ? sum(rows)
      : options.start === null
        ? await totalsOf(db, shown.segments, at)
        : NO_TOTALS;
    const ordered = options.order === 'oldest' ? rows : rows.toReversed();
    return {
      messages: await toMessages(db, this.blobs, ownerId, ordered, at, options),
      next,
      totalTokens: totals.tokens === null ? null : Number(totals.tokens),
      totalCost: totals.cost,
    };
  }
}

const NO_TOTALS = { tokens: null, cost: null } as const;

/** Messages with what they said at a position. */
async function asTheyStood(
  db: Queryable,
  rows: readonly MessageRow[],
  at: bigint | null,
): Promise<readonly MessageRow[]> {
  if (at === null) return rows;
  const places = rows.map(({ task_id: taskId, seq }) => ({ taskId, seq }));
  const former = await formerMessagesOf(db, places, at);
  return rows.map((row) => ({ ...row, ...former.get(`${row.task_id}/${row.seq}`) }));
}

/** Rows in the conversation's order, as many as the page needs, leaving out what the caller does not want. */
async function collect(
  db: Queryable,
  { segments, totalCount }: Shown,
  { order, limit, start, includeToolResults }: PageOptions,
): Promise<{ readonly rows: readonly MessageRow[]; readonly next: number | null }> {
  const forward = order === 'oldest';
  let at = start ?? (forward ? 0 : totalCount);
  let rows: MessageRow[] = [];
  while (rows.length < limit && (forward ? at < totalCount : at > 0)) {
    const size = limit - rows.length;
    const [from, to] = forward ? [at, Math.min(at + size, totalCount)] : [Math.max(at - size, 0), at];
    const page = await messagesIn(db, slice(segments, from, to));
    const wanted = includeToolResults ? page : page.filter((row) => row.role !== 'tool');
    rows = forward ? [...rows, ...wanted] : [...wanted, ...rows];
    at = forward ? to : from;
  }
  return { rows, next: (forward ? at < totalCount : at > 0) ? at : null };
}

function sum(rows: readonly MessageRow[]): { readonly tokens: bigint | null; readonly cost: number | null } {
  let tokens: bigint | null = null;
  let cost: number | null = null;
  for (const row of rows) {
    if (row.token_count !== null) tokens = (tokens ?? 0n) + row.token_count;
    if (row.cost_usd !== null) cost = (cost ?? 0) + row.cost_usd;
  }
  return { tokens, cost };
}
