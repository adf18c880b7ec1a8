import {
  BadRequestException,
  Controller,
  Get,
  HttpException,
  Post,
  Put,
  ServiceUnavailableException,
} from '@nestjs/common';
import pg from 'pg';
import {
  AppendTooLarge,
  EventIdConflict,
  EventTooLarge,
  LogOverloaded,
  VersionConflict,
} from '#libs/event-store/event-store.js';
import { refuse } from '#libs/kernel/decider.js';
import { listen, type Listening } from '#libs/testing/listening.js';
import { invalidField, Problem, RefusalException } from '#libs/kernel/problem.js';
import { Public } from './auth.guard.js';
import { statusOf } from './problem-answer.js';

const databaseError = (code: string): Error =>
  Object.assign(new pg.DatabaseError('secret table name', 1, 'error'), { code });

const THROWN: Readonly<Record<string, unknown>> = {
  problem: new Problem('NO_DAEMON', 'Start a daemon.', { retryAfter: 7 }),
  field: invalidField('name', 'must be there'),
  refusal: new RefusalException(
    refuse('CHECKPOINT_UNKNOWN', 'Take one of these.', { known: [1, 2], position: 2n ** 60n }),
  ),
  bareRefusal: refuse('TASK_BUSY', 'Wait.'),
  version: new VersionConflict('task-x', 1, 2),
  eventId: new EventIdConflict('task-x', ['a']),
  overloaded: new LogOverloaded(9),
  tooLarge: new EventTooLarge('x', 1_000_000),
  appendTooLarge: new AppendTooLarge('task-x', 9),
  nest: new BadRequestException('Too odd'),
  teapot: new HttpException('I am a teapot', 418),
  unavailable: new ServiceUnavailableException('Later'),
  lost: databaseError('57P01'),
  tooSlow: databaseError('57014'),
  noAnswer: new Error('Query read timeout'),
  refused: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  nul: databaseError('22021'),
  constraint: databaseError('23505'),
  bug: new TypeError('secret /path/of/a/file'),
  text: 'a thrown text',
  nothing: undefined,
};

@Public()
@Controller('things')
class Things {
  @Get(':id') read(): void {}
  @Put(':id') replace(): void {}
  @Post() create(): void {}
}

/** A controller that throws at each request. */
const controllers = Object.entries(THROWN).map(([name, thrown]) => {
  class One {
    throw(): void {
      throw thrown;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(One.prototype, 'throw')!;
  Get()(One.prototype, 'throw', descriptor);
  Public()(One);
  Controller(`throws/${name}`)(One);
  return One;
});

let server: Listening;
beforeAll(async () => {
  server = await listen({ controllers: [...controllers, Things] });
});
afterAll(() => server.close());

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}
async function get(path: string, init: RequestInit = {}): Promise<Got> {
  const response = await fetch(server.url + path, init);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe('a problem', () => {
  it('is application/problem+json with everything that RFC 9457 and a person need', async () => {
    const { status, headers, body } = await get('/throws/problem');
    expect(status).toBe(409);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('retry-after')).toBe('7');
    expect(body).toEqual({
      type: 'urn:makima:problem:no-daemon',
      title: 'No daemon',
      status: 409,
      code: 'NO_DAEMON',
      detail: 'Start a daemon.',
      traceId: headers.get('x-trace-id'),
      instance: '/throws/problem',
    });
  });

  it.each([
    ['field', 422, 'VALIDATION_FAILED'],
    ['refusal', 404, 'CHECKPOINT_UNKNOWN'],
    ['bareRefusal', 409, 'TASK_BUSY'],
    ['version', 409, 'VERSION_CONFLICT'],
    ['eventId', 409, 'EVENT_ID_CONFLICT'],
    ['tooLarge', 413, 'EVENT_TOO_LARGE'],
    ['appendTooLarge', 413, 'EVENT_TOO_LARGE'],
    ['nest', 400, 'MALFORMED_REQUEST'],
    ['teapot', 400, 'MALFORMED_REQUEST'],
    ['nul', 422, 'VALIDATION_FAILED'],
    ['constraint', 500, 'INTERNAL'],
    ['bug', 500, 'INTERNAL'],
    ['text', 500, 'INTERNAL'],
    ['nothing', 500, 'INTERNAL'],
  ])('stands for %s', async (name, status, code) => {
    const got = await get(`/throws/${name}`);
    expect(got).toMatchObject({ status, body: { status, code } });
  });

  it.each([
    ['overloaded', 'OVERLOADED'],
    ['lost', 'UNAVAILABLE'],
    ['tooSlow', 'UNAVAILABLE'],
    ['noAnswer', 'UNAVAILABLE'],
    ['refused', 'UNAVAILABLE'],
    ['unavailable', 'UNAVAILABLE'],
  ])('for %s says when to come again', async (name, code) => {
    const { status, body, headers } = await get(`/throws/${name}`);
    expect([status, body.code]).toEqual([503, code]);
    expect(headers.get('retry-after')).toBe('1');
  });

  it('names fields, and gives what a refusal knows', async () => {
    expect((await get('/throws/field')).body.errors).toEqual([
      { field: 'name', code: 'INVALID', detail: 'must be there' },
    ]);
    expect((await get('/throws/refusal')).body.context).toEqual({
      known: [1, 2],
      position: '1152921504606846976',
    });
  });

  it('shows nothing of our own faults but the trace', async () => {
    for (const name of ['bug', 'constraint', 'lost', 'text']) {
      const { body } = await get(`/throws/${name}`);
      expect(JSON.stringify(body)).not.toMatch(/secret|thrown text|Error|\.ts/);
      expect(body.traceId).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it('has an empty body for HEAD', async () => {
    const response = await fetch(`${server.url}/throws/problem`, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([409, '']);
  });
});

describe('what no route answers', () => {
  it('is 404', async () => {
    for (const path of ['/nothing', '/things/1/2', '/%00', '//', '/throws/..%2f..']) {
      expect(await get(path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
  });

  it('is 405 with Allow when the path is known', async () => {
    const got = await get('/things/1', { method: 'DELETE' });
    expect(got).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
    expect(got.headers.get('allow')).toBe('GET, HEAD, PUT');
    expect((await get('/things', { method: 'PATCH' })).headers.get('allow')).toBe('POST');
  });

  it.each(['/things/%ff', '/%ff', '/things/%', '/things/%E0%A4%A'])(
    'is 4xx when it cannot be decoded: %s',
    async (path) => {
      const got = await get(path);
      expect([400, 404]).toContain(got.status);
      expect(got.headers.get('content-type')).toBe('application/problem+json');
    },
  );
});

it.each([
  ['INVALID_CURSOR', 400],
  ['TASK_UNKNOWN', 404],
  ['MESSAGE_NOT_FOUND', 404],
  ['POINT_INVALID', 422],
  ['PROJECTION_BUILDING', 503],
  ['PROJECTION_STOPPED', 503],
  ['SECRET_SHOWN_ALREADY', 409],
  ['ANYTHING_ELSE', 409],
  ['toString', 409],
  ['__proto__', 409],
])('the status of %s is %i', (code, status) => {
  expect(statusOf(code)).toBe(status);
});
