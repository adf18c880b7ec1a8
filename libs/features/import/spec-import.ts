/** What the integration specs of this folder share. Imported by specs only. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Count, ImportReport, SessionReport } from './import.report.js';

/** Somebody with a key, as far as importing needs it. */
interface TestCaller {
  call<Body>(method: string, path: string): Promise<{ readonly status: number; readonly body: Body }>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface SentFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export const FILES = 'application/vnd.makima.files';

export const framed = (files: readonly SentFile[]): Buffer =>
  Buffer.concat(
    files.flatMap(({ name, bytes }) => [
      Buffer.from(`${JSON.stringify({ name, bytes: bytes.length })}\n`),
      bytes,
    ]),
  );

/** Sends a body as it is. */
export async function send(
  caller: TestCaller,
  body: Uint8Array,
  query: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<TestAnswer> {
  const response = await caller.fetch(`/api/v1/import?${new URLSearchParams(query).toString()}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { 'content-type': 'application/octet-stream', ...headers },
  });
  const answer = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body: answer };
}

/** Imports files and fails unless it succeeds. */
export async function imported(
  caller: TestCaller,
  files: SentFile | readonly SentFile[],
  query: Readonly<Record<string, string>> = {},
): Promise<ImportReport> {
  const answer =
    'name' in files
      ? await send(caller, files.bytes, { name: files.name, ...query })
      : await send(caller, framed(files), query, { 'content-type': FILES });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body as object as ImportReport;
}

/** Every file below a folder, by its path in it. */
export const filesBelow = (folder: string): readonly SentFile[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort()
    .map((path) => ({ name: path.slice(folder.length + 1), bytes: readFileSync(path) }));

export type Message = Readonly<Record<string, unknown>> & { readonly id: string; readonly role: string };

export interface Conversation {
  readonly taskId: string;
  readonly status: string;
  readonly messages: readonly Message[];
  readonly totalCount: number;
  readonly totalTokens?: number;
}

export async function conversationOf(caller: TestCaller, taskId: string): Promise<Conversation> {
  const { status, body } = await caller.call<Conversation>(
    'GET',
    `/api/v1/mesh/tasks/${taskId}/conversation`,
  );
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body;
}

interface HistoryPage {
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  readonly cursor?: string;
}

/** All entries of a contract's history, oldest first. */
export async function historyOf(caller: TestCaller, contractId: string) {
  const entries: Readonly<Record<string, unknown>>[] = [];
  for (let cursor: string | undefined; ;) {
    const more = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `/api/v1/contracts/${contractId}/history?order=oldest&limit=100${more}`;
    const { status, body } = await caller.call<HistoryPage>('GET', path);
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    entries.push(...body.entries);
    cursor = body.cursor;
    if (cursor === undefined) return entries;
  }
}

const IDS = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The same without what differs between two owners: makima's own ids and positions. */
export const withoutIds = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      key === 'position' ? undefined : typeof inner === 'string' && IDS.test(inner) ? 'id' : inner,
    ),
  );

export const sessionsOf = ({ transcripts }: ImportReport): readonly SessionReport[] =>
  transcripts.flatMap(({ sessions }) => sessions);

/** Total, new, amended, known, inherited. */
export const numbers = ({ total, new: fresh, amended, known, inherited }: Count): readonly number[] => [
  total,
  fresh,
  amended,
  known,
  inherited,
];

/** Lines and entries that a report does not account for: 0 when it tells the truth. */
export function unaccounted({ transcripts, totals }: ImportReport): number {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  let missing =
    totals.lines -
    totals.imported -
    totals.raw -
    totals.skipped -
    totals.blank -
    totals.invalid -
    totals.notImported;
  for (const { lines, sessions } of transcripts) {
    missing +=
      lines.lines -
      lines.imported -
      sum(lines.raw) -
      sum(lines.skipped) -
      lines.blank -
      lines.invalidCount -
      lines.notImported;
    const kept = sessions.reduce(
      (count, session) => count + session.keptLines.total - session.keptLines.notImported,
      0,
    );
    missing += sum(lines.raw) - kept;
    for (const { messages, toolResults, rewinds, keptLines } of sessions) {
      for (const count of [messages, toolResults, rewinds, keptLines]) {
        missing +=
          count.total - count.new - count.amended - count.known - count.inherited - count.notImported;
      }
    }
  }
  return missing;
}

/** What two owners read of the same sessions must not differ in anything but makima's own ids. */
export async function expectTheSame(
  alice: TestCaller,
  hers: ImportReport,
  bob: TestCaller,
  his: ImportReport,
): Promise<void> {
  expect(sessionsOf(hers).map(({ sessionId }) => sessionId)).toEqual(
    sessionsOf(his).map(({ sessionId }) => sessionId),
  );
  for (const [index, session] of sessionsOf(hers).entries()) {
    const other = sessionsOf(his)[index]!;
    const read = async (caller: TestCaller, id: string) => ({
      task: (await caller.call('GET', `/api/v1/mesh/tasks/${id}`)).body,
      conversation: await conversationOf(caller, id),
    });
    expect(withoutIds(await read(alice, session.taskId))).toEqual(withoutIds(await read(bob, other.taskId)));
  }
  for (const [index, { contractId }] of hers.transcripts.entries()) {
    expect(withoutIds(await historyOf(alice, contractId))).toEqual(
      withoutIds(await historyOf(bob, his.transcripts[index]!.contractId)),
    );
  }
}
