import { UnexpectedAnswerError } from '../api-error.js';
import type { HttpClient, Query } from '../http-client.js';
import type {
  AccessKey,
  AuditEvent,
  DatabaseSizes,
  Health,
  Job,
  LogVerification,
  ProjectionState,
  RebuildPreview,
  Release,
  Released,
  Replay,
  Verification,
  VerificationProgress,
  WhoAmI,
} from '../types-admin.js';
import type { Paged } from '../types.js';
import { seg } from './path.js';

export interface NewKey {
  readonly kind: string;
  readonly name: string;
  readonly contractId?: string;
  readonly scopes?: readonly string[];
  readonly expiresAt?: string;
}

/** Keys and who they belong to. */
export class AccessRoutes {
  constructor(private readonly http: HttpClient) {}

  whoAmI = () => this.http.get<WhoAmI>('/api/v1/access/whoami');

  create = (key: NewKey) => this.http.post<AccessKey>('/api/v1/access/keys', key);

  list = (query: Query = {}) =>
    this.http.get<Paged & { readonly keys: readonly AccessKey[] }>('/api/v1/access/keys', query);

  revoke = (id: string) => this.http.delete<AccessKey | undefined>(`/api/v1/access/keys/${seg(id)}`);
}

/** Projections, streams and the database. */
export class AdminRoutes {
  constructor(private readonly http: HttpClient) {}

  health = () => this.http.get<Health>('/health');

  projections = () =>
    this.http.get<{ readonly projections: readonly ProjectionState[] }>('/api/v1/admin/projections');

  /** @param name a projection, or `all`. */
  rebuild = (name: string) => this.http.post<Job>(`/api/v1/admin/projections/${seg(name)}/rebuild`, {});

  previewRebuild = (name: string) =>
    this.http.post<RebuildPreview>(`/api/v1/admin/projections/${seg(name)}/rebuild`, { dryRun: true });

  verify = (request: { readonly name?: string }) =>
    this.http.post<Job<Verification>>('/api/v1/admin/projections/verify', request);

  job = <Result>(id: string) => this.http.get<Job<Result>>(`/api/v1/admin/jobs/${seg(id)}`);

  skip = (name: string, request: Release) =>
    this.http.post<Released>(`/api/v1/admin/projections/${seg(name)}/skip`, request);

  retry = (name: string, request: Release) =>
    this.http.post<Released>(`/api/v1/admin/projections/${seg(name)}/retry`, request);

  replay = (stream: string, query: Query = {}) =>
    this.http.get<Replay>(`/api/v1/admin/streams/${seg(stream)}/replay`, query);

  database = () => this.http.get<DatabaseSizes>('/api/v1/admin/database');
}

type VerificationLine =
  ({ readonly kind: 'progress' } & VerificationProgress) | ({ readonly kind: 'result' } & LogVerification);

const LINES = { Accept: 'application/x-ndjson' };

/** The raw log. */
export class AuditRoutes {
  constructor(private readonly http: HttpClient) {}

  /** Events as they come: all that match, or as many as `limit` says. */
  events = (query: Query = {}): AsyncGenerator<AuditEvent, void, undefined> =>
    this.#events('/api/v1/audit/events', query);

  event = (position: string) => this.http.get<AuditEvent>(`/api/v1/audit/events/${seg(position)}`);

  /** Events of one stream, as they come. */
  stream = (stream: string, query: Query = {}): AsyncGenerator<AuditEvent, void, undefined> =>
    this.#events(`/api/v1/audit/streams/${seg(stream)}`, query);

  /** Recomputes hashes; tells meanwhile how far it is. */
  async verify(query: Query, onProgress: (progress: VerificationProgress) => void): Promise<LogVerification> {
    const response = await this.http.send('GET', '/api/v1/audit/verify', { query, headers: LINES });
    for await (const text of this.http.lines(response)) {
      const { kind, ...line } = JSON.parse(text) as VerificationLine;
      if (kind === 'result') return line as LogVerification;
      onProgress(line as VerificationProgress);
    }
    throw new UnexpectedAnswerError('the server ended a verification without a result: ask again');
  }

  async *#events(path: string, query: Query): AsyncGenerator<AuditEvent, void, undefined> {
    const response = await this.http.send('GET', path, { query, headers: LINES });
    for await (const text of this.http.lines(response)) yield JSON.parse(text) as AuditEvent;
  }
}
