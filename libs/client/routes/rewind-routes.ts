import type { HttpClient } from '../http-client.js';
import type { CodeRewind, CodeRewindRequest, CodeRewound, CodeUndoRequest } from '../types-rewind.js';
import { seg } from './path.js';

/** Rewinds of tasks' code, alone or with the conversation. */
export class RewindRoutes {
  constructor(private readonly http: HttpClient) {}

  /** SPEC §4.1. Answers when the rewind is over, or after some seconds: see `phase`. */
  rewind = (taskId: string, request: CodeRewindRequest) =>
    this.http.post<CodeRewound>(this.#path(taskId, '/rewind'), request);

  undo = (taskId: string, request: CodeUndoRequest) =>
    this.http.post<CodeRewound>(this.#path(taskId, '/rewind/undo'), request);

  /** Newest first. */
  list = (taskId: string, limit: number) =>
    this.http.get<{ readonly taskId: string; readonly rewinds: readonly CodeRewind[] }>(
      this.#path(taskId, '/rewinds'),
      { limit },
    );

  /** Gives one up that is not committed. */
  cancel = (taskId: string, rewindId: string) =>
    this.http.post<CodeRewind>(this.#path(taskId, `/rewinds/${seg(rewindId)}/cancel`), {});

  #path = (taskId: string, rest: string): string => `/api/v1/mesh/tasks/${seg(taskId)}${rest}`;
}
