import { setTimeout as delay } from 'node:timers/promises';
import { items, type Item } from './activity.js';
import { expectOk, request, type Door } from './api.js';
import { Chance } from './chance.js';

/** What the server said about an event when it acknowledged it. */
export interface Acknowledged {
  readonly stream: string;
  /** Of the last event of its request: its own is not beyond it. */
  readonly position: bigint;
}

/** How often somebody who has no clear answer asks again, in milliseconds. */
const AGAIN_MS = [30, 150] as const;
/** Between an answer and the next request. */
const PACE_MS = [5, 40] as const;

/**
 * Writers that append to tasks through HTTP for as long as they are let, each with event ids of its own. Without a clear
 * answer (no answer at all, or 503) they send the same again, as the API promises that they may.
 */
export class Load {
  /** By event id. */
  readonly acknowledged = new Map<string, Acknowledged>();
  /** Answers that nobody expects: neither an acknowledgement nor a 503. */
  readonly strange: string[] = [];
  /** Requests without a clear answer. */
  unclear = 0;
  /** Requests whose events stood in the log already when the writer, or the server by itself, sent them again. */
  found = 0;
  readonly #writers: Promise<void>[] = [];
  #running = true;
  #pause: Promise<void> | undefined;
  #resume: (() => void) | undefined;
  #busy = 0;

  private constructor(private readonly door: Door) {}

  /** Makes the tasks (fewer than writers: some are shared) and starts the writers. */
  static async start(door: Door, chance: Chance, writers = 16): Promise<Load> {
    const tasks: string[] = [];
    for (let n = 0; n < Math.ceil(writers * 0.75); n += 1) {
      const task = { name: `task ${n}`, plan: 'survive' };
      tasks.push((await expectOk(door, 'POST', '/api/v1/mesh/tasks', task))['id'] as string);
    }
    const load = new Load(door);
    for (let n = 0; n < writers; n += 1)
      load.#writers.push(load.#write(tasks[n % tasks.length]!, new Chance(chance.whole(0, 2 ** 31))));
    return load;
  }

  /** Waits until so many further events have been acknowledged. @throws Error when nothing moves for a minute. */
  async progress(events: number): Promise<void> {
    const goal = this.acknowledged.size + events;
    const end = Date.now() + 60_000;
    while (this.acknowledged.size < goal) {
      if (Date.now() > end) {
        const missing = goal - this.acknowledged.size;
        throw new Error(`stuck: ${missing} of ${events} events are not acknowledged after a minute`);
      }
      await delay(10);
    }
  }

  /** Stops writing, once every event that was sent has been acknowledged. */
  async pause(): Promise<void> {
    this.#pause ??= new Promise((resolve) => (this.#resume = resolve));
    const end = Date.now() + 60_000;
    while (this.#busy > 0) {
      if (Date.now() > end) throw new Error(`${this.#busy} writers have no clear answer after a minute`);
      await delay(10);
    }
  }

  resume(): void {
    this.#resume?.();
    this.#pause = undefined;
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.resume();
    await Promise.all(this.#writers);
  }

  async #write(task: string, chance: Chance): Promise<void> {
    while (this.#running) {
      await this.#pause;
      this.#busy += 1;
      await this.#send(task, items(chance), chance);
      this.#busy -= 1;
      await delay(chance.whole(...PACE_MS));
    }
  }

  async #send(task: string, batch: readonly Item[], chance: Chance): Promise<void> {
    while (this.#running) {
      if (await this.#acknowledged(task, batch)) return;
      this.unclear += 1;
      await delay(chance.whole(...AGAIN_MS));
    }
  }

  async #acknowledged(task: string, batch: readonly Item[]): Promise<boolean> {
    const path = `/api/v1/mesh/tasks/${task}/activity`;
    const answer = await request(this.door, 'POST', path, { items: batch }).catch(() => undefined);
    if (answer?.status !== 200) {
      if (answer && answer.status !== 503)
        this.strange.push(`${answer.status} ${JSON.stringify(answer.body)}`);
      return false;
    }
    const { position, recorded, repeated } = answer.body;
    const sum = Number(recorded) + Number(repeated);
    if (sum !== batch.length)
      this.strange.push(`${sum} of ${batch.length} items: ${JSON.stringify(answer.body)}`);
    if (Number(repeated) > 0) this.found += 1;
    for (const { id } of batch)
      this.acknowledged.set(id, { stream: `task-${task}`, position: BigInt(position as string) });
    return true;
  }
}
