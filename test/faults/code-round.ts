import { setTimeout as delay } from 'node:timers/promises';
import { FAILPOINTS } from '#apps/daemon/failpoint.js';
import type { Chance } from './chance.js';
import { stepFor, type CodeFault } from './code-faults.js';
import type { CodeStory } from './code-story.js';
import type { CodeWorld, DaemonSeat } from './code-world.js';

/** How long a step is given to be hit, in milliseconds. */
const STEP_MS = 6_000;
/** Rounds after which the story goes on with another task. */
const ROUNDS_EACH = 5;

export interface Round {
  /** For people. */
  readonly what: string;
  /** Whether the step came to where the fault was waiting. */
  readonly isHit: boolean;
}

/** A story of tasks in which something is killed in each round. */
export class Rounds {
  #begun = 0;
  #sinceBegin = ROUNDS_EACH;

  constructor(
    private readonly world: CodeWorld,
    private readonly story: CodeStory,
    private readonly chance: Chance,
  ) {}

  /** A step that is hit by a fault, and perhaps by another one while things are put right; then all is well again. */
  async run(fault: CodeFault): Promise<Round> {
    const { world, story, chance } = this;
    if (this.#sinceBegin >= ROUNDS_EACH) await this.#begin();
    this.#sinceBegin += 1;
    await story.say();
    const step = stepFor(fault, chance);
    const folderSeat = await story.seat();
    const seat = step === 'move' ? other(world, folderSeat) : folderSeat;
    const { fired } = await this.#arm(fault, seat);
    const taken = story.take(step, seat).then(() => this.#done());
    const isHit = await Promise.race([fired, taken.then(() => false), delay(STEP_MS, false, { ref: false })]);
    const again = chance.next() < 0.4 ? await this.#again(seat) : 'nothing else';
    const what = `${step}, then ${again}`;
    await this.#settled(what, taken);
    return { what, isHit };
  }

  async #settled(what: string, taken: Promise<void>): Promise<void> {
    try {
      await this.world.disarm();
      await this.world.settle();
      await taken;
      await this.world.settle();
    } catch (error) {
      throw new Error(`${what}: ${String(error)}\n${(await this.story.log()).join('\n')}`, { cause: error });
    }
  }

  /** A task with two checkpoints. */
  async #begin(): Promise<void> {
    const { world, story, chance } = this;
    this.#sinceBegin = 0;
    await story.begin(this.#begun++ % 2 === 0);
    for (const seat of [chance.pick(world.seats), await story.seat()]) {
      await story.say();
      await story.start(seat);
      await world.settle();
    }
  }

  /** Lays the fault in wait; `fired` resolves when it has come. */
  async #arm(fault: CodeFault, seat: DaemonSeat): Promise<{ readonly fired: Promise<true> }> {
    const { world } = this;
    if (fault.kind === 'daemon') {
      await seat.kill();
      seat.start(fault.at);
      const { process } = seat;
      await seat.connected().catch(() => undefined);
      return { fired: process!.ended.then(() => true as const) };
    }
    const act = {
      server: () => world.killServer(),
      Postgres: () => world.killPostgres(),
      connection: () => world.proxy.cut(),
    };
    const fired = new Promise<true>((resolve) => {
      world.proxy.atChunk(fault.message, () => {
        act[fault.kind]();
        resolve(true);
      });
    });
    return { fired };
  }

  /** Something more, while daemons and server find to each other again. */
  async #again(seat: DaemonSeat): Promise<string> {
    const { world, story, chance } = this;
    const kind = chance.pick(['daemon', 'daemon', 'server', 'connection', 'taken over']);
    if (kind === 'taken over') {
      await story.start(other(world, seat));
      await delay(chance.whole(0, 600));
      return kind;
    }
    if (kind === 'daemon') {
      const failpoint = chance.pick(FAILPOINTS);
      await seat.kill();
      seat.start(failpoint);
      await Promise.race([seat.process!.ended, delay(1_500, undefined, { ref: false })]);
      return failpoint;
    }
    const act = kind === 'server' ? () => world.killServer() : () => world.proxy.cut();
    const message = chance.whole(1, 30);
    await new Promise<void>((resolve) => {
      world.proxy.atChunk(message, () => {
        act();
        resolve();
      });
      void world
        .revive()
        .catch(() => undefined)
        .then(() => delay(1_000))
        .then(resolve);
    });
    return `${kind} at message ${message}`;
  }

  /** Waits until what was asked for is done, as far as somebody is there to do it. */
  async #done(): Promise<void> {
    for (const end = Date.now() + STEP_MS; Date.now() < end; await delay(30)) {
      const wanted = await this.world.wanted();
      const unfinished = this.world.seats.flatMap((seat) => (seat.isRunning ? seat.unfinished() : []));
      if (wanted?.length === 0 && unfinished.length === 0) return;
    }
  }
}

const other = ({ seats }: CodeWorld, seat: DaemonSeat): DaemonSeat =>
  seats.find((one) => one !== seat) ?? seat;
