import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { deriveId } from '#libs/event-store/event-hash.js';
import { expectOk } from './api.js';
import type { Chance } from './chance.js';
import {
  checkFolder,
  checkLeftFiles,
  checkPreserved,
  checkProcesses,
  checkRefs,
  checkRuns,
  checkShown,
  checkCollected,
  collect,
  idOf,
  Kept,
  type Place,
} from './code-checks.js';
import { blobId } from './code-folder.js';
import type { CodeHistory, LoggedCheckpoint } from './code-history.js';
import { path, type CodeStory, type Subject } from './code-story.js';
import type { CodeWorld, DaemonSeat } from './code-world.js';
import { LogCheck } from './log-check.js';
import { postmasterOf } from './makima-process.js';
import { treeOf } from './process-tree.js';

/** Files of old checkpoints that are read again in each round. */
const AGAIN = 3;

/** Everything that must hold when nothing is under way. */
export class CodeState {
  readonly kept = new Kept();
  /** How often the folder was compared; otherwise it is the next lease that brings it to the code. */
  compared = 0;
  readonly #log: LogCheck;
  #ownerId: string | undefined;

  constructor(
    private readonly world: CodeWorld,
    private readonly story: CodeStory,
    private readonly chance: Chance,
  ) {
    this.#log = new LogCheck(world.databaseUrl, () => false);
  }

  /** What is wrong with the present task and all checkpoints that were ever seen, a line each. */
  async check(): Promise<readonly string[]> {
    const { story, world } = this;
    story.ledger.refresh();
    const subject = story.subject;
    let history = await story.history();
    if (history.isDirty && history.folderAt !== null) {
      await expectOk(world.door, 'POST', path(subject.taskId, 'checkpoint-requests'), {});
      await world.settle();
      history = await story.history();
    }
    return [
      ...history.findings,
      ...history.open,
      ...this.#checkTold(history),
      ...this.#checkPlaces(history),
      ...checkShown(history, await this.#shown(subject)),
      ...(await this.#checkContent(subject, history)),
      ...checkRuns(history, this.runsOf(history), story.ledger, this.kept),
      ...(await this.#log.run(story.acknowledged)),
      ...this.#checkLeft(),
      ...story.strange,
    ];
  }

  /** The same of everything from the beginning, after all that can be collected was collected. */
  async checkAll(): Promise<readonly string[]> {
    const findings = this.story.subjects
      .flatMap(({ taskId }) => this.#places(taskId))
      .flatMap((place) => checkCollected(place));
    for (const hub of new Set(this.story.subjects.map((subject) => this.hubOf(subject)))) collect(hub);
    return [...findings, ...this.kept.check((checkpoint) => this.hubOf(this.#subject(checkpoint)))];
  }

  hubOf({ contractId }: Pick<Subject, 'contractId'>): string {
    const name = contractId === null ? `owner-${this.#ownerId}` : `contract-${contractId}`;
    return join(this.world.hubs, `${name}.git`);
  }

  #subject({ taskId }: LoggedCheckpoint): Subject {
    return this.story.subjects.find((subject) => subject.taskId === taskId)!;
  }

  #places(taskId: string): readonly Place[] {
    return this.world.seats.flatMap((seat) => placeAt(seat, taskId));
  }

  #checkTold({ rewinds }: CodeHistory): readonly string[] {
    return [...rewinds.values()].flatMap(({ rewindId, phase }) => {
      const told = this.story.told.get(rewindId) ?? phase;
      const isSame = told === phase || told === 'requested' || told === 'committed' || phase === 'completed';
      return isSame ? [] : [`rewind ${rewindId} was said to be ${told}, and is ${phase}`];
    });
  }

  #checkPlaces(history: CodeHistory): readonly string[] {
    const seat = this.world.seats.find(({ id }) => id === history.folderAt);
    const [place] = seat ? placeAt(seat, history.taskId) : [];
    if (!place) return [];
    const findings = [...checkPreserved(history, seat!.id, place), ...checkRefs(place.shadow)];
    if (
      history.isDeferred ||
      history.isDirty ||
      history.codeAt !== seat!.id ||
      !seat!.hasFolder(history.taskId)
    )
      return findings;
    this.compared += 1;
    return [...findings, ...checkFolder(history, place)];
  }

  async #shown({ taskId }: Subject): Promise<readonly string[]> {
    const messages: string[] = [];
    for (let cursor: unknown; ;) {
      const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor as string)}`;
      const answer = await expectOk(
        this.world.door,
        'GET',
        `${path(taskId, 'conversation')}?limit=500${query}`,
      );
      const page = answer['messages'] as readonly { taskId: string; seq: number }[];
      messages.push(...page.map((message) => `${message.taskId}/${message.seq}`));
      cursor = answer['cursor'];
      if (cursor === undefined || cursor === null) return messages;
    }
  }

  /** Every file that a new checkpoint holds is read through the server; of old ones some, by chance. */
  async #checkContent(subject: Subject, { checkpoints }: CodeHistory): Promise<readonly string[]> {
    this.#ownerId ??= await this.#owner();
    const unsafe = [...checkpoints.values()].filter(({ isSafe }) => !isSafe);
    if (unsafe.length > 0) return unsafe.map(({ checkpointId }) => `checkpoint ${checkpointId} is not safe`);
    const { fresh, findings } = this.kept.see(checkpoints.values(), this.hubOf(subject), this.story.ledger);
    const all = [...findings];
    const wanted = fresh.flatMap((checkpoint) =>
      [...this.kept.filesAt(checkpoint)].map((file) => [checkpoint, file] as const),
    );
    for (let n = 0; n < AGAIN; n += 1) {
      const { checkpoint, files } = this.chance.pick(this.kept.all());
      if (files.size > 0) wanted.push([checkpoint, this.chance.pick([...files])]);
    }
    const read = new Set<string>();
    for (const [{ taskId, checkpointId }, [name, file]] of wanted) {
      if (read.has(idOf(file))) continue;
      read.add(idOf(file));
      const found = await this.#read(taskId, checkpointId, name);
      if (found !== idOf(file)) all.push(`${name} at ${checkpointId} reads as ${found} instead of ${file}`);
    }
    return all;
  }

  async #read(taskId: string, checkpointId: string, name: string): Promise<string> {
    const { url, token } = this.world.door();
    const query = `checkpoints/${checkpointId}/file?path=${encodeURIComponent(name)}`;
    const response = await fetch(`${url}${path(taskId, query)}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return response.ok ? blobId(Buffer.from(await response.arrayBuffer())) : String(response.status);
  }

  async #owner(): Promise<string> {
    return String((await expectOk(this.world.door, 'GET', '/api/v1/access/whoami'))['ownerId']);
  }

  /** Ids of a task's runs, one for each lease. */
  runsOf({ taskId, lastEpoch }: CodeHistory): readonly string[] {
    return Array.from({ length: lastEpoch }, (_, index) => deriveId('run', taskId, String(index + 1)));
  }

  #checkLeft(): readonly string[] {
    const { server, seats, homes } = this.world;
    const postgres = postmasterOf(server.home);
    const expected = [server.pid, ...(postgres ? treeOf(postgres.pid).map(({ pid }) => pid) : [])];
    for (const { process } of seats) if (process) expected.push(process.pid);
    return [
      ...checkLeftFiles(this.world.hubs, ...seats.map(({ home }) => join(home, 'daemon'))),
      ...checkProcesses(homes.folder, expected),
    ];
  }
}

/** A daemon's folder of a task, if it has one. */
function placeAt(seat: DaemonSeat, taskId: string): readonly Place[] {
  const folder = seat.place(taskId, 'folder');
  return existsSync(folder) ? [{ folder, shadow: seat.place(taskId, 'shadow.git') }] : [];
}
