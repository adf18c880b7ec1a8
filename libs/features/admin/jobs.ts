import { setTimeout as delay } from 'node:timers/promises';
import type { Step } from '#libs/projections/catching-up.js';
import { newId } from '#libs/kernel/ids.js';

/** Long work that a request started and others ask about. */
export interface Job {
  readonly id: string;
  readonly kind: 'rebuild' | 'verify';
  /** The projections that it is about. */
  readonly names: readonly string[];
  status: 'running' | 'done' | 'failed';
  step: Step;
  /** What was in the way, while it waits to be tried again. */
  trouble?: string | undefined;
  position: string;
  head: string;
  startedAt: string;
  finishedAt?: string;
  /** Events that were passed over, because an admin has skipped them. */
  skipped?: readonly { readonly projection: string; readonly eventId: string; readonly position: string }[];
  result?: unknown;
  error?: string;
}

const KEPT = 100;

/** The jobs of this process, newest last; those of a process that ended are gone. */
export class Jobs {
  readonly #jobs = new Map<string, Job>();
  readonly #ownerOf = new WeakMap<Job, string>();
  readonly #running = new Set<Promise<unknown>>();

  /** Starts work for an owner and answers at once. */
  start(
    ownerId: string,
    kind: Job['kind'],
    names: readonly string[],
    work: (job: Job) => Promise<unknown>,
  ): Job {
    const job: Job = {
      id: newId(),
      kind,
      names,
      status: 'running',
      step: 'waiting',
      position: '0',
      head: '0',
      startedAt: new Date().toISOString(),
    };
    this.#jobs.set(job.id, job);
    this.#ownerOf.set(job, ownerId);
    for (const id of this.#jobs.keys()) if (this.#jobs.size > KEPT) this.#jobs.delete(id);
    const running = work(job)
      .then((result) => Object.assign(job, { status: 'done', result }))
      .catch((error: Error) => Object.assign(job, { status: 'failed', error: error.message }))
      .finally(() => {
        Object.assign(job, { finishedAt: new Date().toISOString() });
        this.#running.delete(running);
      });
    this.#running.add(running);
    return job;
  }

  /** Waits until all work has ended, though not for long. */
  async ended(withinMs: number): Promise<void> {
    const enough = new AbortController();
    const late = delay(withinMs, undefined, { signal: enough.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#running), late]);
    enough.abort();
  }

  /** An owner's job. */
  find(ownerId: string, id: string): Job | undefined {
    const job = this.#jobs.get(id);
    return job && this.#ownerOf.get(job) === ownerId ? job : undefined;
  }

  /** Work of a kind on a projection that has not ended. */
  running(kind: Job['kind'], name: string): Job | undefined {
    return [...this.#jobs.values()].find(
      (job) => job.kind === kind && job.status === 'running' && job.names.includes(name),
    );
  }
}
