import { Inject, Injectable } from '@nestjs/common';
import { EventStore } from '#libs/event-store/event-store.js';
import { LogSearch } from '#libs/event-store/log-search.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { AuditLog } from './audit.process.js';
import type {
  VerificationProgressLine,
  VerificationResponse,
  VerificationResultLine,
} from './audit.answers.dto.js';
import { ChainVerifier } from './chain-verifier.js';

const PROGRESS_MS = 250;

/** Recomputes hash chains for auditors. */
@Injectable()
export class Verifications {
  readonly #search: LogSearch;

  constructor(
    @Inject(EventStore) private readonly store: EventStore,
    private readonly log: AuditLog,
  ) {
    this.#search = new LogSearch(store);
  }

  /** @throws Problem NOT_FOUND for a stream that is unknown or another owner's. */
  async result(
    stream: string | undefined,
    context: RequestContext,
    signal: AbortSignal,
  ): Promise<VerificationResponse | null> {
    for await (const [line] of this.lines(stream, context, signal)) {
      if (line?.kind === 'result') {
        const { kind: _, ...result } = line;
        return result;
      }
    }
    return null;
  }

  /** Progress now and then, and the result; ends without one when the signal aborts. */
  async *lines(
    stream: string | undefined,
    context: RequestContext,
    signal: AbortSignal,
  ): AsyncGenerator<readonly (VerificationProgressLine | VerificationResultLine)[]> {
    if (stream !== undefined) await this.log.assertOwnStream(stream, context);
    const head = String(await this.store.head());
    const run = new ChainVerifier(this.store, this.#search, context.ownerId).run(stream);
    let due = Date.now() + PROGRESS_MS;
    while (!signal.aborted) {
      const step = await run.next();
      if (step.done) {
        yield [{ kind: 'result', ...step.value }];
        return;
      }
      if (Date.now() < due) continue;
      due = Date.now() + PROGRESS_MS;
      yield [{ kind: 'progress', ...step.value, head }];
    }
  }
}
