import { isRefusal } from '#libs/kernel/decider.js';
import type { CallerKind } from '#libs/kernel/caller.js';
import { grant, mayManage, type KeyRequest } from './grants.js';
import { ALL_SCOPES, DEFAULT_SCOPES, KEY_KINDS, POSSIBLE_SCOPES } from './scopes.js';

const CONTRACT = '0190a0b0-0000-7000-8000-00000000000c';
const user = { kind: 'user', scopes: DEFAULT_SCOPES.user } as const;
const admin = { kind: 'admin', scopes: DEFAULT_SCOPES.admin } as const;
const root = { kind: 'admin', scopes: ALL_SCOPES } as const;

const asked = (caller: { kind: CallerKind; scopes: readonly string[] }, request: KeyRequest): unknown => {
  const decision = grant(caller, request);
  return isRefusal(decision) ? decision.code : decision;
};

describe('a user', () => {
  it('creates user and auditor keys with the defaults', () => {
    expect(asked(user, { kind: 'user' })).toEqual({
      scopes: [...DEFAULT_SCOPES.user].sort(),
      contractId: null,
    });
    expect(asked(user, { kind: 'auditor' })).toEqual({
      scopes: ['audit:read', 'history:read'],
      contractId: null,
    });
  });

  it('creates tool keys for a named contract', () => {
    expect(asked(user, { kind: 'tool', contractId: CONTRACT })).toEqual({
      scopes: ['chat:write', 'conversation:rewind', 'history:read', 'history:write'],
      contractId: CONTRACT,
    });
    expect(asked(user, { kind: 'tool' })).toBe('CONTRACT_MISSING');
    expect(asked(user, { kind: 'user', contractId: CONTRACT })).toBe('CONTRACT_NOT_EXPECTED');
  });

  it('gives away only what it holds', () => {
    const reader = { kind: 'user', scopes: ['history:read', 'access:manage'] } as const;
    expect(asked(reader, { kind: 'user' })).toEqual({
      scopes: ['access:manage', 'history:read'],
      contractId: null,
    });
    expect(asked(reader, { kind: 'user', scopes: ['history:read', 'history:write'] })).toBe('SCOPE_NOT_HELD');
    expect(asked(user, { kind: 'auditor', scopes: ['all-owners'] })).toBe('SCOPE_NOT_HELD');
  });

  it.each(['admin', 'daemon'] as const)('creates no %s keys', (kind) => {
    expect(asked(user, { kind })).toBe('KEY_KIND_NOT_ALLOWED');
    expect(asked({ kind: 'user', scopes: ALL_SCOPES }, { kind })).toBe('KEY_KIND_NOT_ALLOWED');
  });
});

describe('an admin', () => {
  it('creates keys of all kinds', () => {
    for (const kind of KEY_KINDS) {
      expect(asked(admin, { kind, contractId: kind === 'tool' ? CONTRACT : undefined })).toMatchObject({
        scopes: expect.any(Array) as unknown,
      });
    }
  });

  it('equips daemons without being one, and gives away all-owners only if it holds it', () => {
    expect(asked(admin, { kind: 'daemon' })).toMatchObject({ scopes: [...DEFAULT_SCOPES.daemon].sort() });
    expect(asked(admin, { kind: 'admin', scopes: ['all-owners'] })).toBe('SCOPE_NOT_HELD');
    expect(asked(root, { kind: 'admin', scopes: ['all-owners'] })).toEqual({
      scopes: ['all-owners'],
      contractId: null,
    });
  });
});

it.each(['tool', 'daemon', 'auditor'] as const)(
  'a %s key creates and revokes none, whatever it holds',
  (kind) => {
    for (const wanted of KEY_KINDS) {
      expect(asked({ kind, scopes: ALL_SCOPES }, { kind: wanted, contractId: CONTRACT })).toBe(
        'KEY_KIND_NOT_ALLOWED',
      );
      expect(mayManage({ kind }, wanted)).toBe(false);
    }
  },
);

it('no kind but an admin’s and an auditor’s reaches other owners, and a tool key never manages keys', () => {
  for (const kind of KEY_KINDS) {
    expect(
      asked(root, { kind, scopes: ['all-owners'], contractId: kind === 'tool' ? CONTRACT : undefined }),
    ).toEqual(
      kind === 'admin' || kind === 'auditor' ? { scopes: ['all-owners'], contractId: null } : 'SCOPE_INVALID',
    );
  }
  expect(asked(root, { kind: 'tool', scopes: ['access:manage'], contractId: CONTRACT })).toBe(
    'SCOPE_INVALID',
  );
});

it('the defaults of every kind are possible for it', () => {
  for (const kind of KEY_KINDS)
    expect(POSSIBLE_SCOPES[kind]).toEqual(expect.arrayContaining([...DEFAULT_SCOPES[kind]]));
});
