import type { HttpClient } from '../http-client.js';
import type {
  CheckpointAsked,
  Daemon,
  RunAsked,
  StartRequest,
  StopRequest,
  TestsReport,
  TestsReported,
} from '../types-daemon.js';
import { seg } from './path.js';

/** Daemons: the machines on which agents run. */
export class DaemonRoutes {
  constructor(private readonly http: HttpClient) {}

  /** Those heard last come first. */
  list = () => this.http.get<{ readonly daemons: readonly Daemon[] }>('/api/v1/daemons');

  show = (id: string) => this.http.get<Daemon>(`/api/v1/daemons/${seg(id)}`);
}

/** Agents that run in tasks. */
export class RunRoutes {
  constructor(private readonly http: HttpClient) {}

  /** A daemon takes the task when it can. */
  start = (taskId: string, request: StartRequest) =>
    this.http.post<RunAsked>(this.#path(taskId, '/start'), request);

  stop = (taskId: string, request: StopRequest) =>
    this.http.post<RunAsked>(this.#path(taskId, '/stop'), request);

  /** Asks the daemon that has the task's folder for a checkpoint of it as it is now. */
  checkpoint = (taskId: string, request: { readonly message?: string }) =>
    this.http.post<CheckpointAsked>(this.#path(taskId, '/checkpoint-requests'), request);

  /** Says how a task's tests came out, on its folder as it is now. */
  reportTests = (taskId: string, report: TestsReport) =>
    this.http.post<TestsReported>(this.#path(taskId, '/tests'), report);

  #path = (taskId: string, rest: string): string => `/api/v1/mesh/tasks/${seg(taskId)}${rest}`;
}
