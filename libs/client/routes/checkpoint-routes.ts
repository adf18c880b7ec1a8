import type { HttpClient, Query } from '../http-client.js';
import type { BlamedFile } from '../types-blame.js';
import type { BranchMade, CheckpointDiff, NewBranch } from '../types-diff.js';
import { seg } from './path.js';

/** The code of tasks' checkpoints. A checkpoint is named by its id, its number or its commit's id. */
export class CheckpointRoutes {
  constructor(private readonly http: HttpClient) {}

  diff = (taskId: string, checkpoint: string, query: Query = {}) =>
    this.http.get<CheckpointDiff>(this.#path(taskId, checkpoint, '/diff'), query);

  /**
   * A git pack of all that a checkpoint's commit leads to.
   * @param have commits whose objects are left out; at most 200.
   */
  async pack(
    taskId: string,
    checkpoint: string,
    have: readonly string[],
  ): Promise<ReadableStream<Uint8Array>> {
    const query = { have: have.length === 0 ? undefined : have.join(',') };
    const { body } = await this.http.send('GET', this.#path(taskId, checkpoint, '/pack'), { query });
    return body ?? new Blob([]).stream();
  }

  /** Which checkpoint brought each line of a file; `path`, and perhaps `line`. */
  blame = (taskId: string, checkpoint: string, query: Query) =>
    this.http.get<BlamedFile>(this.#path(taskId, checkpoint, '/blame'), query);

  /** SPEC §4.4. */
  branch = (taskId: string, checkpoint: string, request: NewBranch) =>
    this.http.post<BranchMade>(this.#path(taskId, checkpoint, '/branch'), request);

  /** A git bundle of a branch that was made from a checkpoint. `have` as for packs. */
  async bundle(
    taskId: string,
    branchName: string,
    have: readonly string[],
  ): Promise<ReadableStream<Uint8Array>> {
    const query = { branchName, have: have.length === 0 ? undefined : have.join(',') };
    const { body } = await this.http.send('GET', `/api/v1/mesh/tasks/${seg(taskId)}/bundle`, { query });
    return body ?? new Blob([]).stream();
  }

  #path = (taskId: string, checkpoint: string, rest: string): string =>
    `/api/v1/mesh/tasks/${seg(taskId)}/checkpoints/${seg(checkpoint)}${rest}`;
}
