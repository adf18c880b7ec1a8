import { FakeMakima, problem } from '#libs/client/testing/fake-makima.js';
import { runCommand, type RunOptions } from '../testing/run-command.js';
import { contract, CONTRACT_ID, entry, TASK_ID } from '../testing/samples.js';

const OTHER = '0190a1b2-0000-7000-8000-000000000002';
const CONTRACT = `/api/v1/contracts/${CONTRACT_ID}`;

describe('makima contract', () => {
  let fake: FakeMakima;
  beforeEach(async () => {
    fake = await FakeMakima.start();
    fake
      .on('GET /api/v1/contracts', { contracts: [contract(), contract({ id: OTHER, name: 'Other' })] })
      .on(`GET ${CONTRACT}`, contract());
  });
  afterEach(() => fake.stop());

  const run = (words: string, options: RunOptions = {}) => runCommand(fake.url, words.split(' '), options);

  describe('list', () => {
    it('shows contracts', async () => {
      const { code, out } = await run('contract list --status active');
      expect(code).toBe(0);
      expect(out).toMatch(
        /^contract .*name\n0190a1b2-0000-7000-8000-000000000001 {2}plan {3}active {2}\S+ \S+ \S+ {2}Login\n/,
      );
      expect(fake.last.query).toEqual({ status: 'active', limit: '100' });
    });

    it('prints the answer as JSON', async () => {
      const { out, err } = await run('contract list --format json');
      expect(JSON.parse(out)).toEqual({ contracts: [contract(), contract({ id: OTHER, name: 'Other' })] });
      expect(err).toBe('');
    });

    it('says on stderr that there are none', async () => {
      fake.on('GET /api/v1/contracts', { contracts: [] });
      expect(await run('contract list')).toEqual({
        code: 0,
        out: '',
        err: expect.stringContaining('no contracts yet') as string,
      });
    });

    it('reads page after page, up to what was asked for', async () => {
      fake.on('GET /api/v1/contracts', ({ query }) =>
        query['cursor'] === undefined
          ? { contracts: [contract()], cursor: 'c1' }
          : { contracts: [contract({ id: OTHER })], cursor: 'c2' },
      );
      const { out, err } = await run('contract list --limit 2');
      expect(out.split('\n')).toHaveLength(4);
      expect(err).toContain('--limit <n> or --all shows more');
      expect(fake.seen.map(({ query }) => query)).toEqual([{ limit: '2' }, { limit: '1', cursor: 'c1' }]);
    });
  });

  describe('show', () => {
    it('finds a contract by the beginning of its id', async () => {
      const { out } = await run('contract show 0190a1b2-0000-7000-8000-000000000001');
      expect(out).toContain(`contract    ${CONTRACT_ID}\n`);
      expect(fake.asked).toEqual([`GET ${CONTRACT}`]);
      fake.on('GET /api/v1/contracts', { contracts: [contract()] });
      expect((await run('contract show 0190a1')).code).toBe(0);
    });

    it('does not guess', async () => {
      expect(await run('contract show 0190a1b2')).toEqual({
        code: 2,
        out: '',
        err: `makima: "0190a1b2" could be 2 contracts; give more of the id:\n  ${CONTRACT_ID}  Login\n  ${OTHER}  Other\n`,
      });
    });

    it('takes the contract from --contract, else from the environment, else asks for it', async () => {
      await run(`contract show --contract ${CONTRACT_ID}`, { env: { MAKIMA_CONTRACT_ID: OTHER } });
      await run('contract show', { env: { MAKIMA_CONTRACT_ID: CONTRACT_ID } });
      await run(`contract show --contract-id ${CONTRACT_ID}`);
      expect(fake.asked).toEqual([`GET ${CONTRACT}`, `GET ${CONTRACT}`, `GET ${CONTRACT}`]);
      const { code, err } = await run('contract show');
      expect(code).toBe(2);
      expect(err).toContain('--contract <id>, or set MAKIMA_CONTRACT_ID');
    });

    it('looks back', async () => {
      await run(`contract show ${CONTRACT_ID} --as-of 42`);
      expect(fake.last.query).toEqual({ asOf: '42' });
    });
  });

  it('create sends only what was given', async () => {
    fake.on('POST /api/v1/contracts', contract());
    const { out, err } = await runCommand(fake.url, [
      'contract',
      'create',
      '--name',
      'Fix the login',
      '--phase',
      'plan',
    ]);
    expect(fake.last.body).toEqual({ name: 'Fix the login', phase: 'plan' });
    expect(fake.last.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(out).toContain(CONTRACT_ID);
    expect(err).toContain(`export MAKIMA_CONTRACT_ID=${CONTRACT_ID}`);
  });

  it('phase says what was and how to go back', async () => {
    fake.on(`POST ${CONTRACT}/phase`, contract({ phase: 'execute' }));
    const { out, err } = await run(`contract phase execute --contract ${CONTRACT_ID}`);
    expect(fake.last.body).toEqual({ phase: 'execute' });
    expect(out).toBe('✓ Login: plan → execute\n');
    expect(err).toContain(`makima contract phase plan --contract ${CONTRACT_ID}`);
    expect((await run(`contract phase sleep --contract ${CONTRACT_ID}`)).code).toBe(2);
  });

  it('supervisor sets it', async () => {
    fake.on(`PUT ${CONTRACT}/supervisor`, contract());
    expect((await run(`contract supervisor ${TASK_ID} --contract ${CONTRACT_ID}`)).code).toBe(0);
    expect(fake.last.body).toEqual({ taskId: TASK_ID });
  });

  describe('history', () => {
    it('asks for the newest and shows them oldest first', async () => {
      fake.on(`GET ${CONTRACT}/history`, {
        contractId: CONTRACT_ID,
        entries: [entry(2), entry(1)],
        totalCount: 9,
        cursor: 'more',
      });
      const { code, out, err } = await run(`contract history ${CONTRACT_ID} --limit 2`);
      expect(code).toBe(0);
      expect(fake.last.query).toEqual({ order: 'newest', limit: '2' });
      expect(out.indexOf(':01 ')).toBeLessThan(out.indexOf(':02 '));
      expect(err).toBe('the newest 2 of 9; --limit <n> or --all shows more\n');
    });

    it('passes every filter on', async () => {
      fake.on(`GET ${CONTRACT}/history`, { contractId: CONTRACT_ID, entries: [], totalCount: 0 });
      await run(
        `contract history ${CONTRACT_ID} --phase execute --from 2h --to 2026-03-01T11:00:00Z --event-types chat_message,output --event-types checkpoint --text a&b --failed --as-of 7 --all`,
      );
      expect(fake.last.query).toEqual({
        phase: 'execute',
        from: '2026-03-01T10:00:00.000Z',
        to: '2026-03-01T11:00:00.000Z',
        text: 'a&b',
        failed: 'true',
        asOf: '7',
        event_types: ['chat_message', 'output', 'checkpoint'],
        order: 'newest',
        limit: '1000',
      });
    });

    it('prints one document with all pages', async () => {
      fake.on(`GET ${CONTRACT}/history`, ({ query }) =>
        query['cursor'] === undefined
          ? { contractId: CONTRACT_ID, entries: [entry(3), entry(2)], totalCount: 3, cursor: 'c' }
          : { contractId: CONTRACT_ID, entries: [entry(1)], totalCount: 3 },
      );
      const answer = JSON.parse(
        (await run(`contract history ${CONTRACT_ID} --all --format json`)).out,
      ) as object;
      expect(answer).toEqual({
        contractId: CONTRACT_ID,
        entries: [entry(1), entry(2), entry(3)],
        totalCount: 3,
      });
    });

    it('shows how much happened when', async () => {
      fake.on(`GET ${CONTRACT}/history/overview`, {
        contractId: CONTRACT_ID,
        from: '2026-03-01T10:00:00Z',
        to: '2026-03-01T11:00:00Z',
        bucketSeconds: 60,
        failed: 0,
        totals: { checkpoint: 2 },
        buckets: [{ start: '2026-03-01T10:00:00Z', counts: { checkpoint: 2 }, failed: 0 }],
      });
      const { out } = await run(`contract history ${CONTRACT_ID} --overview --phase plan`);
      expect(fake.last.query).toEqual({ phase: 'plan', buckets: '60' });
      expect(out).toContain('checkpoint  █');
    });

    it.each(['--phase sleep', '--limit 0', '--limit x', '--from soon', '--format chat'])(
      'refuses %s',
      async (option) => {
        const { code, out, err } = await run(`contract history ${CONTRACT_ID} ${option}`);
        expect({ code, out }).toEqual({ code: 2, out: '' });
        expect(err).toMatch(/^makima: /);
        expect(fake.seen).toEqual([]);
      },
    );

    it('says what the server says', async () => {
      fake.on(`GET ${CONTRACT}/history`, (_, response) =>
        problem(response, 404, 'NOT_FOUND', 'There is no contract.'),
      );
      expect(await run(`contract history ${CONTRACT_ID}`)).toEqual({
        code: 3,
        out: '',
        err: 'makima: There is no contract.\n  NOT_FOUND\n',
      });
    });
  });
});
