import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseMetadata } from '#libs/event-store/event-hash.js';
import { EventStore, type NewEvent } from '#libs/event-store/event-store.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { tellStory } from './story.js';

/**
 * Streams that earlier versions of makima wrote, as they wrote them: they must be read for ever, and say the same. Each
 * folder holds `events.ndjson` and `answers.json`. A version that changes an event's shape adds a folder:
 * MAKIMA_RECORD_HISTORY=<name> npm run test:integration -- --testPathPatterns old-streams
 */
const FOLDER = join('test', 'history', 'streams');
const recording = process.env['MAKIMA_RECORD_HISTORY'];

interface OldEvent {
  readonly stream: string;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly metadata: string;
  readonly body: string;
}

type Answers = Readonly<Record<string, unknown>>;

const apps: TestApp[] = [];
const start = async (): Promise<TestApp> => {
  const app = await startTestApp();
  apps.push(app);
  return app;
};
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** What people read of a log, without what differs from run to run. */
async function answersOf(app: TestApp): Promise<Answers> {
  await app.caughtUp();
  const get = async (path: string): Promise<Record<string, unknown>> =>
    (await app.call('GET', `/api/v1${path}`)).body;
  const answers: Record<string, unknown> = {};
  const { contracts } = (await get('/contracts')) as { contracts: { id: string }[] };
  for (const { id } of contracts) {
    for (const path of [
      `/contracts/${id}`,
      `/contracts/${id}/history?order=oldest&limit=1000`,
      `/contracts/${id}/chats`,
    ]) {
      answers[path] = await get(path);
    }
  }
  const { tasks } = (await get('/mesh/tasks')) as { tasks: { id: string }[] };
  for (const { id } of tasks) {
    for (const what of ['', '/conversation', '/branches', '/checkpoints', '/snapshots']) {
      answers[`/mesh/tasks/${id}${what}`] = await get(`/mesh/tasks/${id}${what}`);
    }
  }
  return withoutPlaces(answers) as Answers;
}

/** Positions, cursors and key ids are of one log and one run. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !['position', 'cursor', 'actor'].includes(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutPlaces(inner)]));
}

async function allEvents(app: TestApp): Promise<OldEvent[]> {
  const store = app.server.application.get(EventStore);
  const events = await store.readAll({ after: 0n, limit: 100_000 });
  return events
    .filter(({ stream }) => !stream.startsWith('owner-'))
    .map(({ stream, id, type, schemaVersion, metadataBytes, body }) => ({
      stream,
      id,
      type,
      schemaVersion,
      metadata: Buffer.from(metadataBytes).toString('utf8'),
      body: Buffer.from(body).toString('utf8'),
    }));
}

/** The event as it was, under the owner of this run. */
const ofOwner = (old: OldEvent, ownerId: string): NewEvent => ({
  id: old.id,
  type: old.type,
  schemaVersion: old.schemaVersion,
  metadata: { ...parseMetadata(Buffer.from(old.metadata)), ownerId },
  body: Buffer.from(old.body),
});

const folders = existsSync(FOLDER) ? readdirSync(FOLDER).sort() : [];

if (recording) {
  it(`records ${recording}`, async () => {
    const app = await start();
    await tellStory(app);
    const folder = join(FOLDER, recording);
    mkdirSync(folder, { recursive: true });
    const events = await allEvents(app);
    writeFileSync(
      join(folder, 'events.ndjson'),
      events.map((event) => `${JSON.stringify(event)}\n`).join(''),
    );
    writeFileSync(join(folder, 'answers.json'), `${JSON.stringify(await answersOf(app), null, 1)}\n`);
  });
} else {
  it('finds streams to replay', () => expect(folders).not.toEqual([]));

  it.each(folders)('reads %s as it was read when it was written', async (name) => {
    const app = await start();
    const store = app.server.application.get(EventStore);
    const lines = readFileSync(join(FOLDER, name, 'events.ndjson'), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines) {
      const old = JSON.parse(line) as OldEvent;
      await store.append(old.stream, [ofOwner(old, app.ownerId)], { expected: 'any' });
    }
    const expected = JSON.parse(readFileSync(join(FOLDER, name, 'answers.json'), 'utf8')) as Answers;
    expect(await answersOf(app)).toEqual(expected);
  });
}
