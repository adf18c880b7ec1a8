import type { HttpClient, Query } from '../http-client.js';
import type { Contract, History, HistoryOverview, Paged } from '../types.js';
import type { BranchTree, HeadMoved, RewindRequest, SupervisorConversation } from '../types-conversation.js';
import { seg } from './path.js';

export interface NewContract {
  readonly name: string;
  readonly description?: string;
  readonly phase?: string;
  readonly repository?: string;
}

/** Contracts and their supervisors. */
export class ContractRoutes {
  constructor(private readonly http: HttpClient) {}

  create = (contract: NewContract) => this.http.post<Contract>('/api/v1/contracts', contract);

  list = (query: Query = {}) =>
    this.http.get<Paged & { readonly contracts: readonly Contract[] }>('/api/v1/contracts', query);

  show = (id: string, query: Query = {}) => this.http.get<Contract>(this.#path(id), query);

  setPhase = (id: string, phase: string) => this.http.post<Contract>(this.#path(id, '/phase'), { phase });

  setSupervisor = (id: string, taskId: string) =>
    this.http.put<Contract>(this.#path(id, '/supervisor'), { taskId });

  history = (id: string, query: Query = {}) => this.http.get<History>(this.#path(id, '/history'), query);

  overview = (id: string, query: Query = {}) =>
    this.http.get<HistoryOverview>(this.#path(id, '/history/overview'), query);

  /** Path of the live stream of a contract's history. */
  streamPath = (id: string): string => this.#path(id, '/stream');

  supervisorConversation = (id: string, query: Query = {}) =>
    this.http.get<SupervisorConversation>(this.#path(id, '/supervisor/conversation'), query);

  rewindSupervisor = (id: string, request: RewindRequest) =>
    this.http.post<HeadMoved>(this.#path(id, '/supervisor/conversation/rewind'), request);

  undoSupervisor = (id: string, request: { readonly branch?: number; readonly dryRun?: boolean }) =>
    this.http.post<HeadMoved>(this.#path(id, '/supervisor/conversation/undo'), request);

  supervisorBranches = (id: string, query: Query = {}) =>
    this.http.get<BranchTree>(this.#path(id, '/supervisor/conversation/branches'), query);

  #path = (id: string, rest = ''): string => `/api/v1/contracts/${seg(id)}${rest}`;
}
