import { problemFrom, UnexpectedAnswerError } from '../api-error.js';
import type { HttpClient, Query } from '../http-client.js';
import type { Chat, ChatMessages } from '../types-admin.js';
import type { ImportProgress, ImportReport } from '../types-import.js';
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

  show = (contractId: string | undefined, id: string) =>
    this.http.get<Chat>(`${this.#path(contractId)}/${seg(id)}`);

  messages = (contractId: string | undefined, id: string, query: Query = {}) =>
    this.http.get<ChatMessages>(`${this.#path(contractId)}/${seg(id)}/messages`, query);

  #path = (contractId: string | undefined): string =>
    contractId === undefined ? '/api/v1/mesh/chats' : `/api/v1/contracts/${seg(contractId)}/chats`;
}

/** What is imported: one file as it is, or several with their names (see filesBody). */
export interface ImportUpload {
  readonly mediaType: 'application/octet-stream' | 'application/vnd.makima.files';
  readonly bytes: AsyncIterable<Uint8Array>;
}

type ImportLine =
  | { readonly progress: ImportProgress }
  | { readonly report: ImportReport }
  | { readonly problem: { readonly status: number } };

/** Transcripts of agents. */
export class ImportRoutes {
  constructor(private readonly http: HttpClient) {}

  /** Sends transcripts and waits for what became of them. */
  async send(
    query: Query,
    upload: ImportUpload,
    onProgress: (progress: ImportProgress) => void,
  ): Promise<ImportReport> {
    const headers = { Accept: 'application/x-ndjson' };
    const response = await this.http.send('POST', '/api/v1/import', { query, upload, headers });
    for await (const text of this.http.lines(response)) {
      const line = JSON.parse(text) as ImportLine;
      if ('report' in line) return line.report;
      if ('problem' in line)
        throw problemFrom(line.problem.status, 'application/problem+json', JSON.stringify(line.problem));
      onProgress(line.progress);
    }
    throw new UnexpectedAnswerError(
      'the server ended an import without a report; import again, it goes on where it was',
    );
  }
}
