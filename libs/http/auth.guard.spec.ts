import { Controller, Get } from '@nestjs/common';
import { assertContract, type Caller } from '#libs/kernel/caller.js';
import { ALICE, KnownCallers, listen, type Listening } from '#libs/testing/listening.js';
import { Public, Requires } from './auth.guard.js';
import { Context, type RequestContext } from './request-context.js';

const OTHER_OWNER = '00000000-0000-7000-8000-00000000000b';
const BOB: Caller = {
  ...ALICE,
  ownerId: OTHER_OWNER,
  keyId: 'bob',
  scopes: ['history:read'],
  actor: { kind: 'user', id: 'bob' },
};

@Controller()
class Routes {
  @Public() @Get('public') open(): unknown {
    return {};
  }
  @Public() @Get('public-context') openContext(@Context() context: RequestContext): unknown {
    return context;
  }
  @Requires() @Get('anyone') anyone(@Context() context: RequestContext): unknown {
    return { ownerId: context.ownerId, keyId: context.caller.keyId };
  }
  @Requires('history:read', 'history:write') @Get('both') both(): unknown {
    return {};
  }
  @Get('forgotten') forgotten(): unknown {
    return {};
  }
}

@Requires('history:write')
@Controller('class')
class Guarded {
  @Get('writes') writes(): unknown {
    return {};
  }
  @Requires('history:read') @Get('reads') reads(): unknown {
    return {};
  }
}

const keys = new KnownCallers([ALICE, BOB]);
let server: Listening;
beforeAll(async () => {
  server = await listen({ controllers: [Routes, Guarded], keys });
});
afterAll(() => server.close());

async function get(path: string, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const response = await fetch(server.url + path, { headers });
  const authenticate = response.headers.get('www-authenticate');
  return {
    status: response.status,
    ...((await response.json()) as object),
    ...(authenticate ? { authenticate } : {}),
  };
}
const as = (keyId: string, more = {}) => ({ authorization: `Bearer ${keyId}`, ...more });

describe('a route', () => {
  it('asks for a key unless it is public', async () => {
    expect(await get('/public')).toMatchObject({ status: 200 });
    expect(await get('/anyone')).toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
      authenticate: 'Bearer realm="makima"',
    });
    expect(await get('/anyone', as('alice'))).toMatchObject({ status: 200, keyId: 'alice' });
  });

  it.each([
    'Bearer nobody',
    'Bearer ',
    'Bearer',
    'Basic YWxpY2U=',
    'alice',
    'Bearer alice bob',
    `Bearer ${'x'.repeat(5_000)}`,
    'Bearer al\u00eece',
  ])('refuses %j', async (authorization) => {
    expect(await get('/anyone', { authorization })).toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
      authenticate: 'Bearer realm="makima", error="invalid_token"',
    });
  });

  it('takes no key from the address, where logs would keep it', async () => {
    expect(await get('/anyone?access_token=alice')).toMatchObject({ status: 401 });
  });

  it('asks for all of its scopes and says which are missing', async () => {
    expect(await get('/both', as('alice'))).toMatchObject({ status: 200 });
    expect(await get('/both', as('bob'))).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
      context: { missing: ['history:write'] },
    });
  });

  it('takes its own scopes before those of its controller', async () => {
    expect(await get('/class/reads', as('bob'))).toMatchObject({ status: 200 });
    expect(await get('/class/writes', as('bob'))).toMatchObject({ status: 403 });
  });

  it('that declares nothing answers nobody', async () => {
    expect(await get('/forgotten', as('alice'))).toMatchObject({ status: 500, code: 'INTERNAL' });
  });

  it('that is public knows no caller', async () => {
    expect(await get('/public-context', as('alice'))).toMatchObject({ status: 401 });
  });
});

describe('another owner', () => {
  const owner = { 'x-makima-owner': OTHER_OWNER };

  it('is reached with all-owners, after that was put on record', async () => {
    expect(await get('/anyone?minPosition=1', as('alice', owner))).toMatchObject({
      status: 200,
      ownerId: OTHER_OWNER,
      keyId: 'alice',
    });
    expect(keys.foreign).toEqual([`alice ${OTHER_OWNER} GET /anyone?minPosition=1`]);
  });

  it('is not reached without', async () => {
    expect(await get('/anyone', as('bob', { 'x-makima-owner': ALICE.ownerId }))).toMatchObject({
      status: 403,
      context: { missing: ['all-owners'] },
    });
  });

  it('is not reached on a route whose scopes the caller lacks', async () => {
    const before = keys.foreign.length;
    expect(await get('/class/writes', as('bob', { 'x-makima-owner': ALICE.ownerId }))).toMatchObject({
      status: 403,
    });
    expect(keys.foreign).toHaveLength(before);
  });

  it('that does not exist is 404, and oneself is nobody else', async () => {
    for (const unknown of ['00000000-0000-7000-8000-0000000000ff', 'x', '\u00e9']) {
      expect(await get('/anyone', as('alice', { 'x-makima-owner': unknown }))).toMatchObject({ status: 404 });
    }
    const before = keys.foreign.length;
    expect(await get('/anyone', as('bob', owner))).toMatchObject({ status: 200, ownerId: OTHER_OWNER });
    expect(keys.foreign).toHaveLength(before);
  });
});

describe('a tool key', () => {
  const tool: Caller = { ...ALICE, kind: 'tool', contractId: 'c-1' };

  it('reaches its own contract only', () => {
    expect(() => assertContract(tool, 'c-1')).not.toThrow();
    for (const other of ['c-2', '', null]) expect(() => assertContract(tool, other)).toThrow(/no contract/);
  });

  it('without a contract reaches none', () => {
    const { contractId: _, ...unbound } = tool;
    for (const any of ['c-1', null]) expect(() => assertContract(unbound, any)).toThrow(/no contract/);
  });

  it('is bound in this way, and no other kind is', () => {
    for (const kind of ['user', 'admin', 'auditor', 'daemon'] as const)
      expect(() => assertContract({ ...ALICE, kind }, 'c-2')).not.toThrow();
  });
});
