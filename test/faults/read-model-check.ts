import { setTimeout as delay } from 'node:timers/promises';
import { expectOk, request, type Door } from './api.js';

interface TableComparison {
  readonly projection: string;
  readonly table: string;
  readonly equal: boolean;
  readonly serving: { readonly rows: number };
  readonly rebuilt: { readonly rows: number };
}
interface ProjectionStatus {
  readonly name: string;
  readonly status: string;
  readonly lag: string;
  readonly error: unknown;
}
interface Verification {
  readonly status: 'running' | 'done' | 'failed';
  readonly error?: string;
  readonly result?: { readonly tables: readonly TableComparison[] };
}

const CAUGHT_UP_MS = 60_000;

/** What the server says about its read models: that each has followed the log, and equals a replay of it. */
export async function checkReadModels(door: Door): Promise<readonly string[]> {
  const behind = await untilCaughtUp(door);
  if (behind.length > 0) return behind;
  const { id } = await expectOk(door, 'POST', '/api/v1/admin/projections/verify', {});
  for (;;) {
    const job = await expectOk(door, 'GET', `/api/v1/admin/jobs/${String(id)}`);
    const { status, error, result } = job as object as Verification;
    if (status === 'failed') return [`the verification failed: ${error}`];
    if (status === 'done') return differences(result?.tables ?? []);
    await delay(50);
  }
}

function differences(tables: readonly TableComparison[]): readonly string[] {
  if (tables.length === 0) return ['the verification compared nothing'];
  return tables
    .filter(({ equal }) => !equal)
    .map(
      ({ projection, table, serving, rebuilt }) =>
        `${projection}.${table} is not what a replay gives (${serving.rows} rows, rebuilt ${rebuilt.rows})`,
    );
}

/** Waits until every projection serves and has reached the log's end; says which do not. */
async function untilCaughtUp(door: Door): Promise<readonly string[]> {
  for (const end = Date.now() + CAUGHT_UP_MS; ; await delay(50)) {
    const { projections } = await expectOk(door, 'GET', '/api/v1/admin/projections');
    const late = (projections as readonly ProjectionStatus[]).filter(
      ({ status, lag }) => status !== 'live' || lag !== '0',
    );
    const stopped = late.filter(({ status }) => status === 'failed');
    if (late.length === 0) return [];
    if (stopped.length > 0 || Date.now() > end)
      return late.map(
        (one) => `projection ${one.name} is ${one.status}, lag ${one.lag}: ${JSON.stringify(one.error)}`,
      );
  }
}

/** What the server says about the hash chains of its log. */
export async function checkAudit(door: Door): Promise<readonly string[]> {
  const { status, body } = await request(door, 'GET', '/api/v1/audit/verify');
  if (status !== 200) return [`the audit answers ${status}: ${JSON.stringify(body)}`];
  return body['ok'] === true
    ? []
    : [`the audit found a broken event: ${JSON.stringify(body['firstBroken'])}`];
}
