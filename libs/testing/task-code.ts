import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { writeCommit } from '#libs/git/commits.js';
import { packOf } from '#libs/git/packs.js';
import { ShadowRepository } from '#libs/git/shadow-repository.js';
import type { TestCaller } from './app.js';

export interface TakenCheckpoint {
  readonly id: string;
  readonly commit: string;
}

/** A folder whose checkpoints a spec records and sends to the hub, as a daemon does. */
export class TaskCode {
  #last: string | undefined;

  private constructor(
    private readonly base: string,
    private readonly shadow: ShadowRepository,
    private readonly daemon: TestCaller,
  ) {}

  static async open(daemon: TestCaller): Promise<TaskCode> {
    const base = await mkdtemp(join(tmpdir(), 'makima-code-'));
    await mkdir(join(base, 'work'));
    return new TaskCode(base, await ShadowRepository.open(join(base, 'shadow'), join(base, 'work')), daemon);
  }

  async write(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.base, 'work', path)), { recursive: true });
    await writeFile(join(this.base, 'work', path), content);
  }

  /** Records what the folder holds as a task's next checkpoint, without its code. */
  async take(
    taskId: string,
    more: object = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TakenCheckpoint> {
    const { tree } = await this.shadow.capture();
    const parents = this.#last === undefined ? [] : [this.#last];
    const commit = await writeCommit(this.shadow.place, {
      tree,
      parents,
      message: 'checkpoint',
      at: '2026-01-05T10:00:00Z',
    });
    this.#last = commit;
    const id = crypto.randomUUID();
    const counts = { filesChanged: [], linesAdded: 0, linesRemoved: 0 };
    const checkpoint = { commitSha: commit, message: 'a checkpoint', ...counts, ...more };
    await this.daemon.post(
      `/api/v1/mesh/tasks/${taskId}/activity`,
      { items: [{ id, kind: 'checkpoint', checkpoint }] },
      headers,
    );
    return { id, commit };
  }

  /** Sends the code of a checkpoint to the hub: it is safe from then on. */
  async send(taskId: string, { id, commit }: TakenCheckpoint): Promise<void> {
    const response = await this.daemon.fetch(`/api/v1/mesh/tasks/${taskId}/checkpoints/${id}/pack`, {
      method: 'PUT',
      headers: { 'content-type': 'application/x-git-packed-objects' },
      body: Readable.toWeb(packOf(this.shadow.place, commit, [])) as ReadableStream,
      duplex: 'half',
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }

  /** A checkpoint that is safe. */
  async keep(taskId: string, more: object = {}): Promise<TakenCheckpoint> {
    const taken = await this.take(taskId, more);
    await this.send(taskId, taken);
    return taken;
  }

  close(): Promise<void> {
    return rm(this.base, { recursive: true });
  }
}
