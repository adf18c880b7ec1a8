import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';

describe('makima status and makima whoami', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  const me = {
    ownerId: 'o-1',
    kind: 'user',
    keyId: 'k-1',
    scopes: ['history:read', 'import:write'],
    contractId: null,
  };
  beforeEach(
    () =>
      void fake
        .on('GET /health', { status: 'ok', head: '7', projected: '7' })
        .on('GET /api/v1/access/whoami', me),
  );

  it('say how it is and who one is', async () => {
    const { code, out } = await run('status');
    expect(code).toBe(0);
    expect(out).toContain(`server       ${fake.url}\nstatus       ok\n`);
    expect(out).toContain('read models  up to date\n');
    expect((await run('whoami')).out).toContain('scopes  history:read, import:write\n');
    expect(JSON.parse((await run('status --format json')).out)).toEqual({
      url: fake.url,
      status: 'ok',
      head: '7',
      projected: '7',
      whoami: me,
    });
  });

  it('tell a key that does not work from a server that does not', async () => {
    fake.on('GET /api/v1/access/whoami', (_, response) =>
      problem(response, 401, 'UNAUTHENTICATED', 'The key is not valid.'),
    );
    expect(await run('status')).toMatchObject({
      code: 0,
      out: expect.stringContaining('no key that works here') as string,
    });
    const { code, err } = await run('whoami');
    expect(code).toBe(5);
    expect(err).toBe(
      'makima: The key is not valid.\n  MAKIMA_TOKEN holds a key that does not work there\n  UNAUTHENTICATED\n',
    );
    await fake.stop();
    expect(await run('status')).toMatchObject({
      code: 6,
      err: expect.stringContaining('is it running? start it with: npm start') as string,
    });
  });
});
