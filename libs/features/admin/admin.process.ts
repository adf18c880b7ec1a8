import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Database, PATIENT_DATABASE } from '#libs/database/database.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { deriveId } from '#libs/event-store/event-hash.js';
import { EventStore } from '#libs/event-store/event-store.js';
import { notFound } from '#libs/kernel/caller.js';
import { Problem } from '#libs/kernel/problem.js';
import type { RequestContext } from '#libs/http/request-context.js';
import type { Projection } from '#libs/projections/projection.js';
import type { Progress } from '#libs/projections/catching-up.js';
import { Rebuilder } from '#libs/projections/rebuild.js';
import { ProjectionRunner } from '#libs/projections/runner.js';
import type { Skip } from '#libs/projections/skips.js';
import type { ReleaseRequest, ReplayQuery } from './admin.dto.js';
import { projectionStream, type AdminEvent } from './admin.events.js';
import {
  databaseSize,
  ownerSizes,
  projectionStatuses,
  tableSizes,
  type ProjectionStatus,
} from './admin.queries.js';
import { Jobs, type Job } from './jobs.js';
import { replay } from './replay.js';

/** How long a stop waits for work under way, in milliseconds; what it leaves is cleared away at the next start. */
const GRACE_MS = 2_000;

const skipped = ({ projection, eventId, position }: Skip) => ({
  projection,
  eventId,
  position: position.toString(),
});

/** What admins do: look after projections, replay streams, see what the database holds. */
@Injectable()
export class Administration implements OnModuleDestroy {
  readonly #jobs = new Jobs();
  readonly #stopping = new AbortController();

  constructor(
    private readonly runner: ProjectionRunner,
    private readonly rebuilder: Rebuilder,
    private readonly store: EventStore,
    private readonly codec: EventCodec,
    @Inject(Database) private readonly database: Database,
    @Inject(PATIENT_DATABASE) private readonly patient: Database,
  ) {}

  /** Work that stops tidies up after itself, while the database is there. */
  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    await this.#jobs.ended(GRACE_MS);
  }

  async projections() {
    return { projections: await this.#statuses() };
  }

  /** Rebuilds one projection, or `all`, in the background. */
  async rebuild(name: string, dryRun: boolean, context: RequestContext) {
    const projections = this.#named(name);
    const statuses = await this.#statuses();
    const names = projections.map((projection) => projection.name);
    if (dryRun)
      return {
        dryRun,
        names,
        head: statuses[0]?.head ?? '0',
        serving: statuses.filter((s) => names.includes(s.name)),
      };
    const busy = names.map((one) => this.#jobs.running('rebuild', one)).find((job) => job);
    if (busy)
      throw new Problem(
        'REBUILD_RUNNING',
        `${busy.names.join(', ')} is being rebuilt already. Wait until it is done.`,
        this.#jobs.find(context.caller.ownerId, busy.id) ? { context: { id: busy.id } } : {},
      );
    return this.#jobs.start(context.caller.ownerId, 'rebuild', names, async (job) => {
      const skips = await this.rebuilder.rebuild(projections, this.#progressOf(job), this.#stopping.signal);
      job.skipped = skips.map(skipped);
      for (const { name: projection, version } of projections) {
        await this.#record(
          projection,
          { type: 'ProjectionRebuilt', data: { projection, version } },
          job.id,
          context,
        );
      }
    });
  }

  /** Rebuilds into scratch schemas and compares table hashes, in the background. */
  verify(name: string | undefined, { caller }: RequestContext): Job {
    const projections = this.#named(name ?? 'all');
    const names = projections.map((projection) => projection.name);
    return this.#jobs.start(caller.ownerId, 'verify', names, async (job) => {
      const found = await this.rebuilder.verify(projections, this.#progressOf(job), this.#stopping.signal);
      job.skipped = found.skipped.map(skipped);
      const head = (await this.store.head()).toString();
      const standing = found.standing.map(({ projection, position, failure }) => ({
        name: projection.name,
        position: position.toString(),
        head,
        error: failure,
      }));
      return { equal: found.tables.every(({ equal }) => equal), tables: found.tables, standing };
    });
  }

  /** @throws Problem NOT_FOUND for a job that another owner's admin started. */
  job(id: string, { caller }: RequestContext): Job {
    const job = this.#jobs.find(caller.ownerId, id);
    if (!job) throw notFound('job', id);
    return job;
  }

  /** Lets a projection go on without the event that stopped it, on record. */
  skip(name: string, request: ReleaseRequest, context: RequestContext) {
    return this.#release(name, 'after', request, context);
  }

  /** Lets a projection try the event that stopped it once more, on record. */
  retry(name: string, request: ReleaseRequest, context: RequestContext) {
    return this.#release(name, 'with', request, context);
  }

  async #release(
    name: string,
    from: 'after' | 'with',
    { eventId, reason, dryRun }: ReleaseRequest,
    context: RequestContext,
  ) {
    const [projection] = this.#named(name);
    const stopped = (await this.#statuses()).find(
      ({ name: of, version, error }) =>
        of === name && version === projection?.version && error?.eventId === eventId,
    );
    if (!projection || !stopped)
      throw new Problem(
        'NOT_STOPPED_THERE',
        `${name} has not stopped at event ${eventId}. Its status names the event.`,
      );
    if (dryRun) return { name, eventId, dryRun, error: stopped.error };
    const position = await this.runner.release(projection, eventId, from);
    if (position === null) throw new Problem('NOT_STOPPED_THERE', `${name} went on in the meantime.`);
    const data = { projection: name, eventId, position: position.toString(), reason: reason ?? null };
    // An event is left out once, and may be tried again any number of times.
    const [type, what] =
      from === 'after'
        ? (['ProjectionEventSkipped', `skip:${eventId}`] as const)
        : (['ProjectionEventRetried', `retry:${eventId}:${context.commandId}`] as const);
    await this.#record(name, { type, data }, what, context);
    return { name, eventId, dryRun, position: position.toString() };
  }

  async #statuses(): Promise<readonly ProjectionStatus[]> {
    return projectionStatuses(this.database, this.runner.projections, await this.store.head());
  }

  async replay(stream: string, query: ReplayQuery, { caller }: RequestContext) {
    const [first] = await this.store.readStream(stream, { limit: 1 });
    if (first?.metadata.ownerId !== caller.ownerId) throw notFound('stream', stream);
    const { after, limit, to } = query;
    return (await replay(this.store, this.codec, stream, {
      after,
      limit,
      to: to ?? Number.MAX_SAFE_INTEGER,
    }))!;
  }

  async sizes({ caller }: RequestContext) {
    const everybody = caller.scopes.includes('all-owners');
    return {
      bytes: await databaseSize(this.database),
      tables: await tableSizes(this.database),
      owners: await ownerSizes(this.patient, everybody ? null : caller.ownerId),
    };
  }

  #named(name: string): readonly Projection[] {
    const projections = this.runner.projections.filter(
      (projection) => name === 'all' || projection.name === name,
    );
    if (projections.length > 0) return projections;
    const known = this.runner.projections.map((projection) => projection.name);
    throw new Problem(
      'PROJECTION_UNKNOWN',
      `There is no projection ${name}. There are: ${known.join(', ')}.`,
      { context: { known } },
    );
  }

  #progressOf(job: Job): Progress {
    return (step, position, head, trouble) =>
      void Object.assign(job, { step, trouble, position: position.toString(), head: head.toString() });
  }

  async #record(name: string, event: AdminEvent, what: string, context: RequestContext): Promise<void> {
    const { actor, ownerId, now, commandId, traceId } = context;
    const stream = `${projectionStream(name)}-${ownerId}`;
    const metadata = {
      actor,
      ownerId,
      occurredAt: now.toISOString(),
      commandId,
      ...(traceId ? { traceId } : {}),
    };
    const encoded = await this.codec.encode([{ event, id: deriveId('admin', stream, what), metadata }]);
    await this.store.append(stream, encoded, { expected: 'any' });
  }
}
