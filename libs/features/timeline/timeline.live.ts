import { Injectable } from '@nestjs/common';
import { positionToken } from '#libs/kernel/position.js';
import type { RequestContext } from '#libs/http/request-context.js';
import type { SseMessage } from '#libs/http/sse.js';
import { ReadModels } from '#libs/projections/read-models.js';
import type { Scope } from './matching-entries.js';
import { entriesAfter } from './timeline.queries.js';

const PAGE = 500;
/** What this one does not show yet must not be passed over, even while it stands still. */
const SOURCE = ['timeline'];

/** Follows a timeline: what there is after a position, one `synced`, then what comes. */
@Injectable()
export class LiveTimeline {
  constructor(private readonly reads: ReadModels) {}

  /** Messages for a live stream; an event's last entry has its position as `id`. Pulled, so that a slow client delays nobody. */
  async *follow(
    scope: Scope,
    after: bigint | null,
    context: Pick<RequestContext, 'caller'>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SseMessage[], void, undefined> {
    let cursor = after ?? (await this.reads.position(SOURCE));
    let synced = false;
    for await (const head of this.reads.positions(signal, SOURCE)) {
      while (cursor < head && !signal.aborted) {
        const entries = await this.reads.read({ caller: context.caller }, (db) =>
          entriesAfter(db, scope, cursor, head, PAGE),
        );
        // A page never ends inside of an event: its last event is read again with the next page unless it is the last.
        const full = entries.length === PAGE;
        const last = entries.at(-1)?.position;
        const whole = full ? entries.filter(({ position }) => position !== last) : entries;
        const sent = whole.length > 0 ? whole : entries;
        if (sent.length > 0) {
          yield sent.map(({ position, entry }, index) => ({
            // Only an event's last entry has its position as id: whoever goes on from an id has seen the whole event.
            ...(sent[index + 1]?.position === position ? {} : { id: positionToken(position) }),
            event: 'entry',
            data: entry,
          }));
        }
        cursor = full ? sent.at(-1)!.position : head;
      }
      if (!synced) {
        synced = true;
        yield [{ id: positionToken(cursor), event: 'synced', data: { position: positionToken(cursor) } }];
      }
    }
  }
}
