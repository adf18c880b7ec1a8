import { newId } from '#libs/kernel/ids.js';

/** Long work that a request started and others ask about. */
export interface Job {
  readonly id: string;
  readonly kind: 'rebuild' | 'verify';
  /** The projections that it is about. */
  readonly names: readonly string[];
  status: 'running' | 'done' | 'failed';
  position: string;
  head: string;
  startedAt: string;
  finishedAt?: string;
  result?: unknown;
  error?: string;
}

const KEPT = 100;

/** The jobs of this process, newest last; those of a process that ended are gone. */
export class Jobs {
  readonly #jobs = new Map<string, Job>();
  readonly #ownerOf = new WeakMap<Job, string>();

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
      position: '0',
      head: '0',
      startedAt: new Date().toISOString(),
    };
    this.#jobs.set(job.id, job);
    this.#ownerOf.set(job, ownerId);
    for (const id of this.#jobs.keys()) if (this.#jobs.size > KEPT) this.#jobs.delete(id);
    void work(job)
      .then((result) => Object.assign(job, { status: 'done', result }))
      .catch((error: Error) => Object.assign(job, { status: 'failed', error: error.message }))
      .finally(() => Object.assign(job, { finishedAt: new Date().toISOString() }));
    return job;
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
