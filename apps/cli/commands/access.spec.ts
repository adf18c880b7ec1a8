import { FakeMakima } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { CONTRACT_ID, contract } from '../testing/samples.js';

const TERMINAL = { columns: 200 };

describe('makima access', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  const key = {
    id: '0123456789abcdef',
    kind: 'tool',
    name: 'x',
    scopes: ['history:read'],
    contractId: CONTRACT_ID,
    createdAt: '2026-03-01T10:00:00Z',
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
  };

  it('create shows the key, alone in a pipe', async () => {
    fake
      .on('POST /api/v1/access/keys', { ...key, token: 'mk_tool_1' })
      .on('GET /api/v1/contracts', { contracts: [contract()] });
    const words =
      'access create --kind tool --name x --contract 0190a1b2 --scopes history:read,chat:write --expires 2030-01-01T00:00:00Z';
    const piped = await run(words);
    expect(piped.out).toBe('mk_tool_1\n');
    expect(piped.err).toContain('makima access revoke 0123456789abcdef');
    expect(fake.last.body).toEqual({
      kind: 'tool',
      name: 'x',
      contractId: CONTRACT_ID,
      scopes: ['history:read', 'chat:write'],
      expiresAt: '2030-01-01T00:00:00.000Z',
    });
    expect((await run(words, { terminal: TERMINAL, env: { NO_COLOR: '1' } })).out).toContain(
      'key       mk_tool_1\n',
    );
    expect((await run('access create --name x --kind king')).code).toBe(2);
  });

  it('list shows what became of keys', async () => {
    fake.on('GET /api/v1/access/keys', {
      keys: [
        key,
        { ...key, revokedAt: '2026-03-01T10:00:00Z' },
        { ...key, expiresAt: '2026-03-01T11:59:00Z' },
      ],
      cursor: null,
    });
    const states = (await run('access list')).out
      .split('\n')
      .slice(1, 4)
      .map((one) => /tool {2}(\w+)/.exec(one)?.[1]);
    expect(states).toEqual(['works', 'revoked', 'expired']);
  });

  it('revoke cannot be undone, so it wants a yes', async () => {
    fake.on('DELETE /api/v1/access/keys/*', (_, response) => void response.writeHead(204).end());
    const { code, err } = await run('access revoke 0123456789abcdef');
    expect(code).toBe(2);
    expect(err).toContain('add --yes to do it');
    expect((await run('access revoke 0123456789abcdef', { terminal: TERMINAL, input: 'n\n' })).code).toBe(0);
    expect(fake.seen).toEqual([]);
    expect((await run('access revoke 0123456789abcdef --yes')).out).toBe(
      '✓ key 0123456789abcdef is revoked\n',
    );
    expect(
      (await run('access revoke 0123456789abcdef', { terminal: TERMINAL, input: 'yes\n' })).out,
    ).toContain('is revoked');
    expect(fake.asked).toEqual(Array(2).fill('DELETE /api/v1/access/keys/0123456789abcdef'));
  });
});
