import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Chance } from './chance.js';
import { request, type Door } from './api.js';
import { endBackend, killPostgres, plan, type Fault } from './faults.js';
import { Load } from './load.js';
import { LogCheck } from './log-check.js';
import { databaseOf, eventually, MakimaHomes, postmasterOf, type MakimaProcess } from './makima-process.js';
import { checkAudit, checkReadModels } from './read-model-check.js';
import { checkSchemas } from './schema-check.js';

const ROUNDS = Number(process.env['MAKIMA_FAULT_ROUNDS'] ?? 40);
const SEED = Number(process.env['MAKIMA_FAULT_SEED'] ?? Date.now() % 1_000_000_000);
const CHECK_EVERY = ROUNDS > 100 ? 50 : 10;
/** So many events must be acknowledged after a fault before the next one. */
const AFTERWARDS = 80;
/** In every n-th round all read models are being rebuilt or verified. */
const WORK_EVERY = 4;

jest.setTimeout(600_000 + ROUNDS * 30_000);

const at = new MakimaHomes();
afterAll(() => at.remove());

/** The server's process, of which there is another after each kill. */
class Patient {
  #server: MakimaProcess | undefined;
  #port = 0;
  /** What servers said that are gone. */
  readonly said: string[] = [];

  get server(): MakimaProcess {
    if (!this.#server) throw new Error('not started');
    return this.#server;
  }

  readonly door: Door = () => this.server.credentials;

  /** Starts it; again, on the same address. */
  async start(): Promise<void> {
    if (this.#server) this.said.push(...this.#server.stderr);
    this.#server = at.launch({ port: this.#port, env: { MAKIMA_SNAPSHOT_EVERY: '40' } });
    this.#port = Number(new URL(await this.#server.ready()).port);
  }

  /** Whether it lives, and its last words. */
  condition(): string {
    return `The server ${this.server.running ? 'runs' : 'has ended'}; it said: ${this.server.stderr.slice(-20).join('\n')}`;
  }

  /** Everything that any of its servers complained about, but what a fault explains. */
  complaints(): readonly string[] {
    const explained =
      /^took over the Postgres|^making the database|^Postgres (has ended unexpectedly|is recovering)|^stopping the Postgres|serves now$|^projection \S+ is not built yet/;
    return [...this.said, ...this.server.stderr].filter((line) => !explained.test(line));
  }
}

async function inject(fault: Fault, patient: Patient): Promise<void> {
  const { server } = patient;
  switch (fault) {
    case 'server':
    case 'server and Postgres':
      if (fault !== 'server') killPostgres(server.home);
      await server.kill();
      return patient.start();
    case 'Postgres':
      return killPostgres(server.home);
    case 'backend of the log':
    case 'terminated backend of the log':
      return end(server, 'log', fault);
    case 'backend of the projections':
    case 'terminated backend of the projections':
      return end(server, 'projections', fault);
  }
}

/** Right after the fault before there may be no backend yet, or no Postgres to ask. */
async function end(server: MakimaProcess, of: 'log' | 'projections', fault: Fault): Promise<void> {
  const way = fault.startsWith('terminated') ? 'terminate' : 'kill';
  await eventually(
    () => endBackend(server, of, way).catch(() => false),
    () => `there is no ${fault}`,
  );
}

/** A rebuild or a verification of everything, to be hit by the fault. A rebuild that was hit before may still go on. */
async function beginWork(door: Door, work: 'all/rebuild' | 'verify'): Promise<void> {
  const { status, body } = await request(door, 'POST', `/api/v1/admin/projections/${work}`, {});
  if (status !== 202 && body['code'] !== 'REBUILD_RUNNING')
    throw new Error(`no ${work}: ${status} ${JSON.stringify(body)}`);
}

describe(`${ROUNDS} rounds of kill -9 under load from 16 writers`, () => {
  const chance = new Chance(SEED);
  const patient = new Patient();
  let load: Load;
  beforeAll(async () => {
    await patient.start();
    load = await Load.start(patient.door, chance);
  });
  afterAll(() => load.stop());

  /** Everything that is wrong, with writing paused. */
  async function check(log: LogCheck): Promise<readonly string[]> {
    await load.pause();
    const found = [
      ...(await log.run(load.acknowledged)),
      ...(await checkReadModels(patient.door)),
      ...(await checkSchemas(databaseOf(patient.server.home, 'makima'))),
      ...(await checkAudit(patient.door)),
      ...load.strange,
      ...patient.complaints(),
    ];
    load.resume();
    return found;
  }

  it(`lose nothing that was acknowledged (MAKIMA_FAULT_SEED=${SEED})`, async () => {
    const begin = Date.now();
    const { home } = patient.server;
    const log = new LogCheck(databaseOf(home, 'makima'));
    for (const [index, fault] of plan(ROUNDS, chance).entries()) {
      const round = index + 1;
      const what = `round ${round}, ${fault}`;
      if (round % WORK_EVERY === 0) await beginWork(patient.door, chance.pick(['all/rebuild', 'verify']));
      await delay(chance.whole(50, 700));
      await inject(fault, patient);
      await load.progress(AFTERWARDS).catch((error: Error) => {
        throw new Error(`${what}: ${error.message}. ${patient.condition()}`);
      });
      if (round % CHECK_EVERY === 0) expect({ what, found: await check(log) }).toEqual({ what, found: [] });
    }
    await load.stop();
    expect(await check(new LogCheck(databaseOf(home, 'makima')))).toEqual([]);
    expect(load.acknowledged.size).toBeGreaterThanOrEqual(ROUNDS * AFTERWARDS);
    const seconds = Math.round((Date.now() - begin) / 1000);
    process.stdout.write(
      `faults: ${ROUNDS} rounds, ${load.acknowledged.size} events acknowledged, ${load.unclear} requests unclear, ` +
        `${load.found} found written when sent again, ${seconds} s, seed ${SEED}\n`,
    );
  });

  it('leave a server that stops as always', async () => {
    patient.server.signalGroup('SIGINT');
    expect(await patient.server.ended).toEqual({ code: 0, signal: null });
    expect(postmasterOf(patient.server.home)).toBeUndefined();
  });
});
