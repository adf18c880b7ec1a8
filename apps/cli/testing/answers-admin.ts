import { TASK_ID } from './samples.js';

const AT = '2026-03-01T10:00:00Z';
const actor = { kind: 'user', id: 'k' };
const key = {
  id: 'k',
  kind: 'tool',
  name: 'x',
  scopes: ['a'],
  contractId: 'c',
  createdAt: AT,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  token: 'mk',
};
const state = {
  name: 'timeline',
  version: 1,
  schema: 's',
  position: '5',
  head: '7',
  lag: '2',
  status: 'failed',
  error: { eventId: 'e', type: 't', message: 'boom' },
  updatedAt: AT,
};
const event = {
  position: '5',
  stream: 'task-x',
  version: 2,
  id: 'e',
  type: 't',
  schemaVersion: 1,
  recordedAt: AT,
  metadata: { actor, occurredAt: AT },
  body: { a: 'x' },
  bodyHash: 'b',
  previousHash: 'p',
  hash: 'h',
};
const count = { total: 1, new: 1, amended: 0, known: 0, inherited: 0 };
const counts = { messages: count, toolResults: count, rewinds: count, keptLines: count };
const lines = {
  lines: 3,
  imported: 1,
  raw: { x: 1 },
  skipped: { y: 1 },
  blank: 0,
  invalid: [{ line: 1, file: 'f', reason: 'r' }],
  invalidCount: 1,
  notes: {},
};
const report = {
  dryRun: false,
  position: '1',
  refused: [{ name: 'n', reason: 'r' }],
  totals: {
    transcripts: 1,
    sessions: 1,
    lines: 3,
    imported: 1,
    raw: 1,
    skipped: 1,
    blank: 0,
    invalid: 1,
    ...counts,
  },
  transcripts: [
    {
      agent: 'a',
      files: ['f'],
      contractId: 'c',
      contractCreated: true,
      sessions: [
        {
          ...counts,
          sessionId: 's',
          parentSessionId: 'p',
          title: 't',
          taskId: TASK_ID,
          outcome: 'created',
          status: 'x',
          forkedFrom: { sessionId: 's', messages: 1 },
        },
      ],
      lines,
      problem: { code: 'X', detail: 'd' },
    },
  ],
};
const replay = {
  stream: 's',
  version: 1,
  state: { a: 'x' },
  events: [
    {
      version: 1,
      position: '1',
      id: 'e',
      type: 't',
      occurredAt: AT,
      recordedAt: AT,
      data: {},
      changed: { a: 'x' },
    },
  ],
};
const verified = {
  equal: true,
  standing: [state],
  tables: [
    {
      projection: 'p',
      table: 't',
      equal: true,
      serving: { rows: 1, hash: 'a' },
      rebuilt: { rows: 1, hash: 'b' },
    },
  ],
};
/** What every route for admins and auditors answers, with something in every field. */
export const ADMIN_ROUTES: readonly (readonly [route: string, answer: object])[] = [
  ['GET /health', { status: 'degraded', head: '1', projected: '0', failedProjections: ['x'] }],
  ['GET /api/v1/access/whoami', { ...key, keyId: 'k', ownerId: 'o' }],
  ['GET /api/v1/access/keys', { keys: [key] }],
  ['POST /api/v1/access/keys', key],
  ['GET /api/v1/admin/projections', { projections: [state] }],
  ['POST /api/v1/admin/projections/*/skip', { name: 'n', eventId: 'e', dryRun: false }],
  [
    'POST /api/v1/admin/projections/verify',
    {
      id: 'j',
      kind: 'verify',
      names: ['n'],
      status: 'done',
      step: 'reading',
      position: '1',
      head: '1',
      startedAt: AT,
      skipped: [{ projection: 'p', eventId: 'e', position: '1' }],
      result: verified,
    },
  ],
  [
    'POST /api/v1/admin/projections/*/rebuild',
    {
      id: 'j',
      kind: 'rebuild',
      names: ['n'],
      status: 'failed',
      step: 'reading',
      position: '1',
      head: '1',
      startedAt: AT,
      error: 'e',
    },
  ],
  ['GET /api/v1/admin/streams/*/replay', replay],
  [
    'GET /api/v1/admin/database',
    {
      bytes: 1,
      tables: [{ table: 't', rows: 1, bytes: 1, indexBytes: 1 }],
      owners: [{ ownerId: 'o', name: 'n', events: 1, eventBytes: 1, blobs: 1, blobBytes: 1 }],
    },
  ],
  ['GET /api/v1/audit/events/*', event],
];
/** Routes that answer by lines of JSON. */
export const LINE_ROUTES: readonly (readonly [route: string, lines: readonly object[]])[] = [
  ['GET /api/v1/audit/events', [event]],
  ['GET /api/v1/audit/streams/*', [event]],
  ['POST /api/v1/import', [{ report }]],
  [
    'GET /api/v1/audit/verify',
    [
      {
        kind: 'result',
        ok: false,
        events: 1,
        streams: 1,
        position: '1',
        firstBroken: { stream: 's', version: 1, position: '1', id: 'i', reason: 'r', detail: 'd' },
      },
    ],
  ],
];
