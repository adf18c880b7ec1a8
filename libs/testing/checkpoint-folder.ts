import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { writeCommit } from '#libs/git/commits.js';
import { packOf } from '#libs/git/packs.js';
import { ShadowRepository } from '#libs/git/shadow-repository.js';
import type { TestCaller } from './app.js';

const TASKS = '/api/v1/mesh/tasks';
const AT = '2026-01-05T10:00:00Z';

export interface Taken {
  readonly id: string;
  readonly commit: string;
}

export interface SentPack {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Path of what a checkpoint of a task has. */
export const atCheckpoint = (taskId: string, { id }: Pick<Taken, 'id'>, rest: string): string =>
  `${TASKS}/${taskId}/checkpoints/${id}/${rest}`;

/** A folder with a shadow repository, whose checkpoints are recorded and sent as a daemon does it. */
export class CheckpointFolder {
  #last: string | undefined;

  private constructor(
    private readonly daemon: TestCaller,
    private readonly base: string,
    readonly shadow: ShadowRepository,
  ) {}

  /** @param daemon a caller with a daemon's key. */
  static async open(daemon: TestCaller): Promise<CheckpointFolder> {
    const base = await mkdtemp(join(tmpdir(), 'makima-code-'));
    await mkdir(join(base, 'work'));
    const shadow = await ShadowRepository.open(join(base, 'shadow'), join(base, 'work'));
    return new CheckpointFolder(daemon, base, shadow);
  }

  /** Path of something in the folder. */
  at = (path: string): string => join(this.base, 'work', path);

  async write(path: string, content: string | Buffer): Promise<void> {
    await mkdir(dirname(this.at(path)), { recursive: true });
    await writeFile(this.at(path), content);
  }

  remove = (path: string): Promise<void> => rm(this.at(path), { recursive: true });

  /** The machine is gone. */
  lose = (): Promise<void> => rm(this.base, { recursive: true, force: true });

  /** Records what the folder holds as a checkpoint, without its code. */
  async take(
    taskId: string,
    parents: readonly string[] = [],
    more: object = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Taken> {
    const { tree } = await this.shadow.capture();
    const commit = await writeCommit(this.shadow.place, { tree, parents, message: 'checkpoint', at: AT });
    const id = crypto.randomUUID();
    const checkpoint = {
      commitSha: commit,
      message: 'a checkpoint',
      filesChanged: [],
      linesAdded: 0,
      linesRemoved: 0,
      ...more,
    };
    const items = [{ id, kind: 'checkpoint', checkpoint }];
    await this.daemon.post(`${TASKS}/${taskId}/activity`, { items }, headers);
    this.#last = commit;
    return { id, commit };
  }

  /** Sends the code of a checkpoint. */
  async send(
    taskId: string,
    taken: Taken,
    have: readonly string[] = [],
    as: TestCaller = this.daemon,
  ): Promise<SentPack> {
    const response = await as.fetch(atCheckpoint(taskId, taken, 'pack'), {
      method: 'PUT',
      headers: { 'content-type': 'application/x-git-packed-objects' },
      body: Readable.toWeb(packOf(this.shadow.place, taken.commit, have)) as ReadableStream,
      duplex: 'half',
    });
    return { status: response.status, body: (await response.json()) as SentPack['body'] };
  }

  /** A safe checkpoint after the one that was taken last. */
  next = (taskId: string): Promise<Taken> =>
    this.secured(taskId, this.#last === undefined ? [] : [this.#last]);

  /** Both, for a checkpoint that comes after others. */
  async secured(taskId: string, parents: readonly string[] = [], more: object = {}): Promise<Taken> {
    const taken = await this.take(taskId, parents, more);
    const { status } = await this.send(taskId, taken, parents);
    if (status !== 200) throw new Error(`the pack was answered by ${status}`);
    return taken;
  }
}
