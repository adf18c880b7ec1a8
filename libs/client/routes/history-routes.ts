import type { HttpClient, Query, RequestOptions } from '../http-client.js';
import type { Chat, ChatMessages } from '../types-admin.js';
import type { History, HistoryOverview, Paged } from '../types.js';
import { seg } from './path.js';

/** The timeline over everything that an owner has. */
export class TimelineRoutes {
  readonly streamPath = '/api/v1/timeline/stream';

  constructor(private readonly http: HttpClient) {}

  list = (query: Query = {}) => this.http.get<History>('/api/v1/timeline', query);

  overview = (query: Query = {}) => this.http.get<HistoryOverview>('/api/v1/timeline/overview', query);
}

/** Chats about the mesh, or about one contract. */
export class ChatRoutes {
  constructor(private readonly http: HttpClient) {}

  list = (contractId: string | undefined, query: Query = {}) =>
    this.http.get<Paged & { readonly chats: readonly Chat[] }>(this.#path(contractId), query);

  show = (contractId: string | undefined, id: string) => this.http.get<Chat>(`${this.#path(contractId)}/${seg(id)}`);

  messages = (contractId: string | undefined, id: string, query: Query = {}) =>
    this.http.get<ChatMessages>(`${this.#path(contractId)}/${seg(id)}/messages`, query);

  #path = (contractId: string | undefined): string =>
    contractId === undefined ? '/api/v1/mesh/chats' : `/api/v1/contracts/${seg(contractId)}/chats`;
}

/** Transcripts of agents. */
export class ImportRoutes {
  constructor(private readonly http: HttpClient) {}

  send = <T>(query: Query, options: Pick<RequestOptions, 'body' | 'upload'>) =>
    this.http.json<T>('POST', '/api/v1/import', { query, ...options });
}
