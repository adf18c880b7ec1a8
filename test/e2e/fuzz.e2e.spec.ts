import { randomInt, randomUUID } from 'node:crypto';
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { GivesText } from '#libs/http/answer-fields.js';
import { Public } from '#libs/http/auth.guard.js';
import { buildDocument } from '#libs/http/openapi.js';
import { startTestApp, type TestApp } from '#libs/testing/app.js';
import { listen } from '#libs/testing/listening.js';
import { committedDocument, operationsOf, type ApiDocument, type Operation } from './api-document.js';
import { FuzzClient } from './fuzz-client.js';
import { FuzzJudge } from './fuzz-judge.js';
import type { FuzzRequest, FuzzSource } from './fuzz-requests.js';
import { fuzz, type FuzzReport, type ValidRequest } from './fuzz.js';
import { bodiesOf, CURSOR, initOf, pathOf, pathValue, REFUSED, requiredQuery, urlOf } from './requests.js';
import { buildWorld, keyOf, newOwner, type World } from './world.js';

const REQUESTS = Number(process.env['MAKIMA_FUZZ_REQUESTS'] ?? 20_000);
const SEED = Number(process.env['MAKIMA_FUZZ_SEED'] ?? randomInt(2 ** 31));
const CONCURRENCY = 16;

/** Routes that read or rebuild everything: asked less often, or nothing else would be. */
const HEAVY = ['/admin/projections/verify', '/rebuild', '/admin/database', '/audit/verify', '/audit/events'];
/** Routes that cannot succeed here. */
const NEVER = [
  ...Object.keys(REFUSED).map((id) => id.split(' ')[1]!),
  '/skip',
  '/retry',
  '/stop',
  '/lease',
  '/checkpoint-requests',
];

const document = committedDocument();
const operations = operationsOf(document);
const isHeavy = ({ path }: Operation): boolean => HEAVY.some((end) => path.endsWith(end));

describe(`fuzz (MAKIMA_FUZZ_SEED=${SEED} MAKIMA_FUZZ_REQUESTS=${REQUESTS})`, () => {
  let app: TestApp;
  /** What forged requests are about; they may do with it what they like. */
  let toy: World;
  /** What valid requests are about. */
  let kept: World;
  let client: FuzzClient;
  let report: FuzzReport;

  beforeAll(async () => {
    app = await startTestApp({ snapshots: { everyMessages: 20, everyMinutes: 0 } });
    toy = await buildWorld(app, await newOwner(app, 'toy'), 'marked-toy');
    kept = await buildWorld(app, await newOwner(app, 'kept'), 'marked-kept');
    const tool = await keyOf(app, toy.ownerId, { kind: 'tool', contractId: toy.ids.contract });
    client = new FuzzClient(
      app.url,
      {
        nobody: null,
        forged: `${tool.token.slice(0, -1)}x`,
        user: toy.keys.user.token,
        admin: toy.keys.admin.token,
        auditor: toy.keys.auditor.token,
        daemon: toy.keys.daemon.token,
        tool: tool.token,
        root: app.token,
        'kept user': kept.keys.user.token,
        'kept admin': kept.keys.admin.token,
        'kept daemon': kept.keys.daemon.token,
      },
      CONCURRENCY,
    );
  });
  afterAll(async () => {
    client.close();
    await app.close();
  });

  /** Mostly those who may do what the route does. */
  const callers = ({ scopes }: Operation): readonly string[] => {
    const admin = scopes?.some((scope) => scope.startsWith('admin:')) === true;
    const daemon = scopes?.includes('daemon:work') === true;
    const able = scopes?.includes('all-owners') ? 'root' : admin ? 'admin' : daemon ? 'daemon' : 'user';
    return [
      ...Array.from({ length: 15 }, () => able),
      'user',
      'admin',
      'root',
      'tool',
      'auditor',
      'nobody',
      'forged',
    ];
  };

  /** What lists answer for the next page when they are asked for one of several. */
  async function someCursors(): Promise<readonly string[]> {
    const lists = operations.filter(
      ({ parameters, scopes }) =>
        parameters.some(({ name }) => name === CURSOR) && scopes?.join() === 'history:read',
    );
    const pages = lists.map(async (operation) => {
      const url = urlOf({ operation, path: pathOf(operation, toy), query: { limit: '1' } });
      return (await toy.keys.user.call<{ cursor?: string }>('GET', url)).body.cursor ?? '';
    });
    return Promise.all(pages);
  }

  const sourceOf = (cursors: readonly string[]): FuzzSource => ({
    document,
    operations,
    callers,
    owner: toy.ownerId,
    cursors,
    pool: {
      ids: [...new Set([...Object.values(toy.ids), toy.ownerId, kept.ids.task, kept.ids.contract])].filter(
        (id) => id !== toy.ids.position,
      ),
      commits: [toy.ids.commit],
    },
    path: (operation, name) => pathValue(operation, name, toy),
    bodies: (operation) => bodiesOf(operation, toy).map(({ body, upload }) => body ?? upload?.bytes),
    weight: (operation) => (isHeavy(operation) ? 1 : 20),
  });

  const validRequests = (): readonly ValidRequest[] =>
    operations
      .filter((operation) => !isHeavy(operation) && !NEVER.some((end) => operation.path.endsWith(end)))
      .map((operation) => (): FuzzRequest => {
        const request = {
          operation,
          path: pathOf(operation, kept),
          query: requiredQuery(operation, kept),
          ...bodiesOf(operation, kept)[0],
        };
        const { method, body, headers } = initOf(request);
        const { scopes } = operation;
        const caller = scopes?.includes('all-owners')
          ? 'root'
          : scopes?.includes('admin:projections')
            ? 'kept admin'
            : scopes?.includes('daemon:work')
              ? 'kept daemon'
              : 'kept user';
        return {
          operation,
          caller,
          method: method!,
          url: urlOf(request),
          headers: { ...(headers as Record<string, string>) },
          body: typeof body === 'string' ? Buffer.from(body) : null,
        };
      });

  it('answers every request as the document says, and never fails', async () => {
    const started = Date.now();
    report = await fuzz({
      source: sourceOf(await someCursors()),
      client,
      judge: new FuzzJudge(document),
      valid: validRequests(),
      seed: SEED,
      requests: REQUESTS,
      concurrency: CONCURRENCY,
    });
    const seconds = Math.round((Date.now() - started) / 1_000);
    process.stdout.write(
      `fuzz: ${report.sent} requests in ${seconds} s, seed ${SEED}: ${JSON.stringify(report.statuses)}\n`,
    );
    expect(report.mistakes).toEqual([]);
    expect(report.sent).toBeGreaterThanOrEqual(REQUESTS);
  }, 3_600_000);

  it('still works', async () => {
    const { body: states } = await app.call<{ projections: readonly { error: unknown }[] }>(
      'GET',
      '/api/v1/admin/projections',
    );
    expect(states.projections.filter(({ error }) => error !== null)).toEqual([]);
    await app.caughtUp();
    const health = await app.call('GET', '/health');
    expect(health.body).toMatchObject({ status: 'ok' });
    for (const caller of [app, toy.keys.user, kept.keys.user]) {
      const { body } = await caller.call('GET', '/api/v1/audit/verify');
      expect(body).toMatchObject({ ok: true });
    }
  }, 300_000);

  it('has read models that equal a rebuild', async () => {
    const started = await app.call<{ id: string }>('POST', '/api/v1/admin/projections/verify', {});
    for (;;) {
      const { body } = await app.call<{ status: string; result?: { equal: boolean } }>(
        'GET',
        `/api/v1/admin/jobs/${started.body.id}`,
      );
      if (body.status === 'running') await new Promise((resolve) => setTimeout(resolve, 100));
      else {
        expect(body).toMatchObject({ status: 'done', result: { equal: true } });
        return;
      }
    }
  }, 300_000);
});

class Told {
  @GivesText('What is told.') readonly told!: string;
}

/** Handlers with the mistakes that the fuzz test is there to find. */
@Controller('api/v1/mistakes')
@Public()
class MistakenController {
  @Get('throws')
  @ApiOkResponse({ type: Told })
  throws(): Told {
    throw new TypeError('not a function');
  }

  @Get('tells-more')
  @ApiOkResponse({ type: Told })
  tellsMore(): Told {
    return Object.assign(new Told(), { told: 'this', secret: 'that' });
  }

  @Get('right')
  @ApiOkResponse({ type: Told })
  tells(): Told {
    return { told: 'this' };
  }
}

describe('the fuzz test itself', () => {
  it('finds a handler that throws, and one that answers what is not documented', async () => {
    const server = await listen({ controllers: [MistakenController] });
    const own = buildDocument(server.application, '1') as unknown as ApiDocument;
    const client = new FuzzClient(server.url, { nobody: null }, 4);
    const { mistakes } = await fuzz({
      source: {
        document: own,
        operations: operationsOf(own),
        callers: () => ['nobody'],
        cursors: [],
        owner: 'x',
        pool: { ids: [randomUUID()], commits: ['a'] },
        path: () => 'x',
        bodies: () => [],
        weight: () => 1,
      },
      client,
      judge: new FuzzJudge(own),
      valid: [],
      seed: 1,
      requests: 200,
      concurrency: 4,
    });
    client.close();
    await server.close();
    expect(mistakes).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/throws: 500/),
        expect.stringMatching(/tells-more: .*secret/),
      ]),
    );
    expect(mistakes.join()).not.toContain('right: ');
  });
});
