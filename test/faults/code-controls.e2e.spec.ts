import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jest } from '@jest/globals';
import { Chance } from './chance.js';
import * as checks from './code-checks.js';
import { filesIn, gitOn, unreadable } from './code-folder.js';
import { CodeHistory, eventsOf, type Logged } from './code-history.js';
import { CodeState } from './code-state.js';
import { CodeStory } from './code-story.js';
import { CodeWorld } from './code-world.js';
import { eventually } from './makima-process.js';

// The negative controls of the code's fault tests: what the checks are there to find is done to copies on purpose, one
// thing at a time, and they must say so.
jest.setTimeout(180_000);

const world = new CodeWorld();
let story: CodeStory;
let state: CodeState;
let history: CodeHistory;
let events: readonly Logged[];
let original: checks.Place;
let place: checks.Place;

beforeAll(async () => {
  await world.start();
  const chance = new Chance(11);
  story = new CodeStory(world, chance);
  state = new CodeState(world, story, chance);
  await story.begin(true);
  for (let n = 0; n < 2; n += 1) {
    await story.say();
    await story.start(world.seats[0], 'start', 0);
    await world.settle();
  }
  expect(await state.check()).toEqual([]);
  history = await story.history();
  events = await eventsOf(world.databaseUrl, story.subject.taskId);
  original = {
    folder: world.seats[0].place(story.subject.taskId, 'folder'),
    shadow: world.seats[0].place(story.subject.taskId, 'shadow.git'),
  };
});
afterAll(() => world.remove());

beforeEach(() => {
  const base = world.homes.path('copy');
  rmSync(base, { recursive: true, force: true });
  place = { folder: join(base, 'folder'), shadow: join(base, 'shadow.git') };
  cpSync(original.folder, place.folder, { recursive: true, verbatimSymlinks: true });
  cpSync(original.shadow, place.shadow, { recursive: true });
});

const told = (changed: readonly Logged[]): CodeHistory => new CodeHistory(history.taskId, changed);
const anyFile = (): string => [...filesIn(place.folder)].find(([, file]) => file.startsWith('100644'))![0];

describe('the checks of the code’s fault tests', () => {
  it('find nothing where nothing is wrong', () => {
    expect(checks.checkFolder(history, place)).toEqual([]);
    expect(checks.checkShown(history, history.shown)).toEqual([]);
    expect(checks.checkLeftFiles(place.folder, place.shadow)).toEqual([]);
    expect(checks.checkRefs(place.shadow)).toEqual([]);
    expect(checks.checkCollected(place)).toEqual([]);
    expect(told(events).findings).toEqual([]);
  });

  it.each<readonly [string, () => void]>([
    ['a changed byte', () => writeFileSync(join(place.folder, anyFile()), 'x')],
    ['a lost file', () => rmSync(join(place.folder, anyFile()))],
    ['a file too many', () => writeFileSync(join(place.folder, 'more'), '')],
    ['a mode', () => chmodSync(join(place.folder, anyFile()), 0o755)],
  ])('find %s in a folder', (_, change) => {
    change();
    expect(checks.checkFolder(history, place)).toHaveLength(1);
  });

  it('find a message that is not shown', () => {
    expect(checks.checkShown(history, history.shown.slice(1))).toHaveLength(1);
  });

  it.each([
    'index.lock',
    'objects/ab/tmp_obj_x',
    'objects/pack/tmp_pack_x',
    'objects/pack/pack-x.pack',
    'incoming/x/y',
  ])('find %s left behind', (name) => {
    mkdirSync(dirname(join(place.shadow, name)), { recursive: true });
    writeFileSync(join(place.shadow, name), '');
    expect(checks.checkLeftFiles(place.folder, place.shadow)).toHaveLength(1);
  });

  it('find a ref that nobody is to have', () => {
    gitOn(place.shadow, ['update-ref', 'refs/makima/under-way/x', history.code!.commitSha]);
    expect(checks.checkRefs(place.shadow)).toHaveLength(1);
  });

  it('find a process that goes on', async () => {
    const child = spawn('sleep', ['60'], { env: { PATH: process.env['PATH'], AT: place.folder } });
    const find = (): readonly string[] => checks.checkProcesses(place.folder, []);
    await eventually(
      () => find().length > 0,
      () => 'it is not found',
    );
    child.kill('SIGKILL');
    await eventually(
      () => find().length === 0,
      () => `it is found for ever: ${find().join()}`,
    );
  });

  it('find a checkpoint that collecting takes, in a shadow and in a hub', () => {
    rmSync(join(place.shadow, 'objects'), { recursive: true });
    mkdirSync(join(place.shadow, 'objects'));
    expect(checks.checkCollected(place).length).toBeGreaterThan(0);
    const hub = join(dirname(place.shadow), 'hub.git');
    cpSync(state.hubOf(story.subject), hub, { recursive: true });
    expect(state.kept.check(() => hub)).toEqual([]);
    gitOn(hub, ['update-ref', '-d', `refs/makima/checkpoints/${history.code!.checkpointId}`]);
    checks.collect(hub);
    expect(state.kept.check(() => hub).length).toBeGreaterThan(0);
  });

  it('find a blob that cannot be read', () => {
    const [id] = [...filesIn(place.folder).values()].map(checks.idOf);
    expect(unreadable(place.shadow, [id!])).toEqual([]);
    expect(unreadable(place.shadow, ['0'.repeat(40), id!])).toEqual(['0'.repeat(40)]);
  });

  it('find content that nobody wrote', () => {
    const nothing = { written: new Set<string>() };
    const { findings } = new checks.Kept().see(history.checkpoints.values(), place.shadow, nothing);
    expect(findings.length).toBeGreaterThan(0);
  });

  it('find a line of an agent that is lost or there twice, and work that is in no checkpoint', () => {
    const at = events.findIndex(({ type }) => type === 'TaskOutputRecorded');
    const check = (changed: readonly Logged[], kept = state.kept) =>
      checks.checkRuns(told(changed), state.runsOf(history), story.ledger, kept);
    expect(check(events)).toEqual([]);
    expect(check(events.toSpliced(at, 1)).length).toBeGreaterThan(0);
    expect(check(events.toSpliced(at, 0, events[at]!)).length).toBeGreaterThan(0);
    expect(check(events, new checks.Kept())).toHaveLength(2);
  });

  it('find a rewind that is not over, one that moves the code alone, and what stands twice', () => {
    const preserve = { mode: 'discard', branchName: null };
    const rewindId = 'r';
    const requested = { type: 'RewindRequested', data: { rewindId, scope: 'both', preserve } };
    const committed = { type: 'RewindCommitted', data: { rewindId, target: history.code, branch: 1 } };
    const open = told([...events, requested]);
    expect([open.open.length, open.findings]).toEqual([1, []]);
    expect(told([...events, requested, committed]).findings).toEqual([
      `${history.taskId}: rewind r moved the code and not the conversation`,
    ]);
    const twice = events.filter(({ type }) => /^(MessageRecorded|CheckpointRecorded)$/.test(type));
    expect(told([...events, ...twice]).findings).toHaveLength(twice.length);
  });
});
