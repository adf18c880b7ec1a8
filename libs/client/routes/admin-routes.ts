import type { HttpClient, Query } from '../http-client.js';
import type { AccessKey, AuditEvent, Health, ProjectionState, RebuildProgress, WhoAmI } from '../types-admin.js';
import type { Paged } from '../types.js';
import { seg } from './path.js';

export interface NewKey {
  readonly kind: string;
  readonly name?: string;
  readonly contractId?: string;
  readonly scopes?: readonly string[];
  readonly expiresAt?: string;
}

/** Keys and who they belong to. */
export class AccessRoutes {
  constructor(private readonly http: HttpClient) {}

  whoAmI = () => this.http.get<WhoAmI>('/api/v1/access/whoami');

  create = (key: NewKey) => this.http.post<AccessKey>('/api/v1/access/keys', key);

  list = (query: Query = {}) => this.http.get<Paged & { readonly keys: readonly AccessKey[] }>('/api/v1/access/keys', query);

  revoke = (id: string) => this.http.delete<AccessKey | undefined>(`/api/v1/access/keys/${seg(id)}`);
}

/** Projections, streams and the database. */
export class AdminRoutes {
  constructor(private readonly http: HttpClient) {}

  health = () => this.http.get<Health>('/health');

  projections = () => this.http.get<{ readonly projections: readonly ProjectionState[] }>('/api/v1/admin/projections');

  rebuild = (name: string, request: { readonly dryRun?: boolean }) =>
    this.http.post<RebuildProgress>(`/api/v1/admin/projections/${seg(name)}/rebuild`, request);

  rebuildProgress = (id: string) => this.http.get<RebuildProgress>(`/api/v1/admin/projections/rebuilds/${seg(id)}`);

  verify = <T>(request: { readonly name?: string }) => this.http.post<T>('/api/v1/admin/projections/verify', request);

  skip = <T>(name: string, request: { readonly eventId?: string; readonly reason?: string }) =>
    this.http.post<T>(`/api/v1/admin/projections/${seg(name)}/skip`, request);

  replay = <T>(stream: string, query: Query = {}) => this.http.get<T>(`/api/v1/admin/streams/${seg(stream)}/replay`, query);

  database = <T>() => this.http.get<T>('/api/v1/admin/database');
}

/** The raw log. */
export class AuditRoutes {
  constructor(private readonly http: HttpClient) {}

  events = (query: Query = {}) => this.http.get<Paged & { readonly events: readonly AuditEvent[] }>('/api/v1/audit/events', query);

  event = (position: string) => this.http.get<AuditEvent>(`/api/v1/audit/events/${seg(position)}`);

  stream = (stream: string, query: Query = {}) =>
    this.http.get<Paged & { readonly events: readonly AuditEvent[] }>(`/api/v1/audit/streams/${seg(stream)}`, query);

  verify = <T>(query: Query = {}) => this.http.get<T>('/api/v1/audit/verify', query);
}
