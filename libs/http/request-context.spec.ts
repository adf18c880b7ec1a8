import { Body, Controller, Get, Post, Put } from '@nestjs/common';
import { isUuid } from '#libs/kernel/ids.js';
import { ALICE, KnownCallers, listen, type Listening } from '#libs/testing/listening.js';
import { Requires } from './auth.guard.js';
import { IsJson } from './fields.js';
import { Context, type RequestContext } from './request-context.js';
import { AcceptsAsOf } from './request.interceptor.js';

class Anything {
  @IsJson({ description: 'any JSON', optional: true }) value?: unknown;
}

const plain = (context: RequestContext): unknown => {
  const asOf =
    context.asOf && ('position' in context.asOf ? { position: String(context.asOf.position) } : context.asOf);
  return {
    ...context,
    asOf,
    minPosition: context.minPosition === undefined ? undefined : String(context.minPosition),
  };
};

@Requires()
@Controller()
class Echo {
  @Get('read') read(@Context() context: RequestContext): unknown {
    return plain(context);
  }
  @AcceptsAsOf() @Get('read-as-of') readAsOf(@Context() context: RequestContext): unknown {
    return plain(context);
  }
  @Post('write') write(@Body() _: Anything, @Context() context: RequestContext): unknown {
    return plain(context);
  }
  @Put('write') put(@Context() context: RequestContext): unknown {
    return plain(context);
  }
  @Post('write/other') other(@Context() context: RequestContext): unknown {
    return plain(context);
  }
}

const BOB = { ...ALICE, keyId: 'bob', ownerId: '00000000-0000-7000-8000-00000000000b' };
const SISTER = { ...ALICE, keyId: 'sister' };
let server: Listening;
beforeAll(async () => {
  server = await listen({ controllers: [Echo], keys: new KnownCallers([ALICE, BOB, SISTER]) });
});
afterAll(() => server.close());

type Echoed = Record<string, unknown> & {
  readonly status: number;
  readonly commandId: string;
  readonly requestHash: string;
};
async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Echoed> {
  const response = await server.call(method, path, body, headers);
  return { status: response.status, ...((await response.json()) as object) } as Echoed;
}
const key = (text: string, more = {}) => ({ 'idempotency-key': text, ...more });

describe('the command’s id', () => {
  it('is new without an Idempotency-Key', async () => {
    const [a, b] = [await call('POST', '/write'), await call('POST', '/write')];
    expect(isUuid(a.commandId)).toBe(true);
    expect(a).toMatchObject({ status: 201, idempotent: false });
    expect(a.commandId).not.toBe(b.commandId);
  });

  it('follows from owner, method, path and key, and from nothing else', async () => {
    const ids = await Promise.all([
      call('POST', '/write', {}, key('1')),
      call('POST', '/write', {}, key('1')),
      call('POST', '/write', { value: 1 }, key('1')),
      call('POST', '/write', {}, key('1', { authorization: 'Bearer sister' })),
      call('POST', '/write', {}, key('2')),
      call('PUT', '/write', undefined, key('1')),
      call('POST', '/write/other', undefined, key('1')),
      call('POST', '/write', {}, key('1', { authorization: 'Bearer bob' })),
    ]);
    const [first, ...rest] = ids.map(({ commandId }) => commandId);
    expect(rest.map((id) => id === first)).toEqual([true, true, true, false, false, false, false]);
    expect(new Set(rest).size).toBe(5);
    expect(ids[0]).toMatchObject({ idempotent: true });
    expect(isUuid(first)).toBe(true);
  });

  it.each(['', ' ', 'a b', 'x'.repeat(256), 'caf\u00e9', 'tab\there'])(
    'is refused for the key %j',
    async (text) => {
      const got = await call('POST', '/write', {}, key(text));
      // An empty or blank value may not reach the server as a header at all.
      if (got.status !== 201)
        expect(got).toMatchObject({ status: 422, errors: [{ field: 'Idempotency-Key' }] });
      else expect(text.trim()).toBe('');
    },
  );

  it('may come from 255 visible characters', async () => {
    expect(await call('POST', '/write', {}, key('~'.repeat(255)))).toMatchObject({
      status: 201,
      idempotent: true,
    });
  });
});

describe('the request’s hash', () => {
  it('tells methods, paths and bodies apart, byte by byte', async () => {
    const hashes = await Promise.all([
      call('POST', '/write', { value: 1 }),
      call('POST', '/write', { value: 1 }),
      call('POST', '/write', { value: 2 }),
      call('POST', '/write'),
      call('PUT', '/write'),
      call('POST', '/write/other'),
      call('GET', '/read'),
      call('GET', '/read?minPosition=1'),
    ]);
    const [first, same, ...others] = hashes.map(({ requestHash }) => requestHash);
    expect(first).toMatch(/^[\w-]{22}$/);
    expect(same).toBe(first);
    expect(new Set([first, ...others]).size).toBe(7);
  });
});

describe('trace', () => {
  const TRACE = 'a'.repeat(32);

  it('is the caller’s', async () => {
    const response = await server.call('GET', '/read', undefined, {
      traceparent: `00-${TRACE}-${'b'.repeat(16)}-01`,
    });
    expect(response.headers.get('x-trace-id')).toBe(TRACE);
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${TRACE}-(?!b{16})[0-9a-f]{16}-01$`));
    expect(await response.json()).toMatchObject({ traceId: TRACE });
  });

  it.each([
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `ff-${TRACE}-${'b'.repeat(16)}-01`,
    `00-${TRACE}-x-01`,
    'x',
    `00-${TRACE.toUpperCase()}-${'b'.repeat(16)}-01`,
  ])('is a new one instead of %s', async (traceparent) => {
    const { traceId } = await call('GET', '/read', undefined, { traceparent });
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(traceId).not.toBe(TRACE);
  });

  it('is told with every answer, also with a 404', async () => {
    const response = await fetch(`${server.url}/nothing`);
    expect(response.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(response.headers.get('traceparent')).toMatch(/-00$/);
  });
});

describe('points in the log', () => {
  it('minPosition is a position', async () => {
    expect(await call('GET', '/read?minPosition=9223372036854775807')).toMatchObject({
      status: 200,
      minPosition: '9223372036854775807',
    });
    for (const wrong of ['-1', 'x', '', '9223372036854775808', '1&minPosition=2', '1.0', '0x1', '%00']) {
      expect(await call('GET', `/read?minPosition=${wrong}`)).toMatchObject({
        status: 422,
        errors: [{ field: 'minPosition' }],
      });
    }
    expect(await call('POST', '/write?minPosition=1')).toMatchObject({
      status: 422,
      errors: [{ field: 'minPosition' }],
    });
  });

  it('asOf is a position or a time, on routes that know the past', async () => {
    expect(await call('GET', '/read-as-of?asOf=5')).toMatchObject({ status: 200, asOf: { position: '5' } });
    expect(await call('GET', '/read-as-of?asOf=2025-01-31T09:30:00Z')).toMatchObject({
      asOf: { time: '2025-01-31T09:30:00.000Z' },
    });
    expect(await call('GET', '/read-as-of?asOf=yesterday')).toMatchObject({
      status: 422,
      errors: [{ field: 'asOf' }],
    });
    expect(await call('GET', '/read?asOf=5')).toMatchObject({
      status: 422,
      errors: [{ field: 'asOf', code: 'UNKNOWN_FIELD' }],
    });
  });
});

it('If-Match is read', async () => {
  expect(await call('PUT', '/write', undefined, { 'if-match': '"cv-12"' })).toMatchObject({
    status: 200,
    ifMatch: 12,
  });
});

it('answers are not kept by anybody, and are what they say', async () => {
  const { headers } = await server.call('GET', '/read');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-powered-by')).toBeNull();
  expect(headers.get('etag')).toBeNull();
});
