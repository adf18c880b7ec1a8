import type { HttpClient, Query } from '../http-client.js';
import type { Checkpoint, ForkAnswer, ForkRequest, History, Paged, Task, TaskEvents } from '../types.js';
import type {
  BranchTree,
  HeadMoved,
  RewindRequest,
  Snapshot,
  SnapshotContent,
  TaskConversation,
} from '../types-conversation.js';
import type { Comparison } from '../types-compare.js';
import { seg } from './path.js';

/** SPEC §3.4. */
export interface NewTask {
  readonly name: string;
  readonly plan: string;
  readonly contractId?: string;
  readonly parentTaskId?: string;
  readonly isSupervisor?: boolean;
  readonly continueFromTaskId?: string;
  readonly checkpointSha?: string;
  readonly copyFiles?: readonly string[];
}

/** Tasks, their conversations and what can be done with these. */
export class TaskRoutes {
  constructor(private readonly http: HttpClient) {}

  create = (task: NewTask) => this.http.post<Task>('/api/v1/mesh/tasks', task);

  list = (query: Query = {}) =>
    this.http.get<Paged & { readonly tasks: readonly Task[] }>('/api/v1/mesh/tasks', query);

  show = (id: string, query: Query = {}) => this.http.get<Task>(this.#path(id), query);

  conversation = (id: string, query: Query = {}) =>
    this.http.get<TaskConversation>(this.#path(id, '/conversation'), query);

  history = (id: string, query: Query = {}) => this.http.get<History>(this.#path(id, '/history'), query);

  output = (id: string, query: Query = {}) => this.http.get<TaskEvents>(this.#path(id, '/output'), query);

  events = (id: string, query: Query = {}) => this.http.get<TaskEvents>(this.#path(id, '/events'), query);

  checkpoints = (id: string, query: Query = {}) =>
    this.http.get<Paged & { readonly checkpoints: readonly Checkpoint[] }>(
      this.#path(id, '/checkpoints'),
      query,
    );

  branches = (id: string, query: Query = {}) => this.http.get<BranchTree>(this.#path(id, '/branches'), query);

  /** Compares it with the task `with`, each at a point (`at`, `withAt`) or now. */
  compare = (id: string, query: Query) => this.http.get<Comparison>(this.#path(id, '/compare'), query);

  rewind = (id: string, request: RewindRequest) =>
    this.http.post<HeadMoved>(this.#path(id, '/conversation/rewind'), request);

  undo = (id: string, request: { readonly branch?: number; readonly dryRun?: boolean }) =>
    this.http.post<HeadMoved>(this.#path(id, '/conversation/undo'), request);

  fork = (id: string, request: ForkRequest) => this.http.post<ForkAnswer>(this.#path(id, '/fork'), request);

  snapshots = (id: string, query: Query = {}) =>
    this.http.get<Paged & { readonly snapshots: readonly Snapshot[] }>(this.#path(id, '/snapshots'), query);

  snapshot = (id: string, snapshotId: string, query: Query = {}) =>
    this.http.get<SnapshotContent>(this.#path(id, `/snapshots/${seg(snapshotId)}`), query);

  takeSnapshot = (id: string, request: { readonly note?: string; readonly dryRun?: boolean }) =>
    this.http.post<Snapshot>(this.#path(id, '/snapshots'), request);

  restore = (
    id: string,
    snapshotId: string,
    request: { readonly reason?: string; readonly dryRun?: boolean },
  ) => this.http.post<HeadMoved>(this.#path(id, `/snapshots/${seg(snapshotId)}/restore`), request);

  /** Path of the live stream of a task's history. */
  streamPath = (id: string): string => this.#path(id, '/stream');

  #path = (id: string, rest = ''): string => `/api/v1/mesh/tasks/${seg(id)}${rest}`;
}
