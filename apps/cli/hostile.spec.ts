import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeMakima, problem, type Seen } from '#libs/client/testing/fake-makima.js';
import { FORBIDDEN } from './testing/forbidden.js';
import { runCommand } from './testing/run-command.js';
import { ADMIN_ROUTES, LINE_ROUTES } from './testing/answers-admin.js';
import { HISTORY_ROUTES } from './testing/answers.js';
import { CODE_ROUTES } from './testing/answers-code.js';
import { CONTRACT_ID, OTHER_TASK_ID, TASK_ID } from './testing/samples.js';

/** Moves the cursor, sets the title, makes a link, turns text around, hides, breaks lines, rings. */
const EVIL =
  '\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\ \u202e\u2066\u200b\ufeff\x9b31m\r\n\b\x7f\u2028\ud800';

/** Fields that decide what is shown, or how. */
const KEPT = new Set([
  'entryType',
  'role',
  'phase',
  'supervisorTaskId',
  'rewindId',
  'requestedAt',
  'lastHeartbeatAt',
  'status',
  'kind',
  'timestamp',
  'start',
  'from',
  'to',
  'position',
  'head',
  'id',
  'toolCallId',
  'taskId',
]);

function poisoned(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return KEPT.has(key) ? value : `${EVIL}${value}${EVIL}`;
  if (Array.isArray(value)) return value.map((one) => poisoned(one, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name === 'a key' ? EVIL : name, poisoned(inner, name)]),
  );
}

const JSON_ROUTES = [...HISTORY_ROUTES, ...CODE_ROUTES, ...ADMIN_ROUTES];

const COMMANDS = [
  'timeline',
  'timeline --overview',
  'timeline --full',
  'contract list',
  `contract show ${CONTRACT_ID}`,
  'contract create --name x',
  `contract phase plan --contract ${CONTRACT_ID}`,
  `contract supervisor ${TASK_ID} --contract ${CONTRACT_ID}`,
  `contract history ${CONTRACT_ID}`,
  `contract history ${CONTRACT_ID} --overview`,
  'task list',
  `task show ${TASK_ID}`,
  'task create --name x --plan y',
  `task history ${TASK_ID}`,
  `task history ${TASK_ID} --full --with-rewound`,
  `task history ${TASK_ID} --format table`,
  `task timeline ${TASK_ID}`,
  `task output ${TASK_ID}`,
  `task events ${TASK_ID}`,
  `task checkpoints ${TASK_ID} --with-diff`,
  `task checkpoint-diff ${TASK_ID} 2`,
  `task checkpoint-diff ${TASK_ID} 2 --stat`,
  `task checkpoint-diff ${TASK_ID} 2 --name-only`,
  `task rewind ${TASK_ID} --checkpoint 1 --yes`,
  `task rewind ${TASK_ID} --checkpoint 1 --dry-run`,
  `task rewinds ${TASK_ID}`,
  `task rewind-cancel ${TASK_ID} ${OTHER_TASK_ID}`,
  `task start ${TASK_ID}`,
  'task run --name x --plan y --command z',
  `task stop ${TASK_ID}`,
  `task checkpoint ${TASK_ID}`,
  `task tests ${TASK_ID} --passed`,
  `contract start --contract ${CONTRACT_ID}`,
  'daemon list',
  `daemon show ${OTHER_TASK_ID}`,
  `task branch ${TASK_ID} 2 x`,
  `task compare ${TASK_ID} ${OTHER_TASK_ID}`,
  `task blame ${TASK_ID} 2 a`,
  `task fork ${TASK_ID} --checkpoint 1 --name x --plan y`,
  `task rewind-conversation ${TASK_ID} --by-messages 1 --yes`,
  `task resume ${TASK_ID} --checkpoint c --yes`,
  `task resume ${TASK_ID} --dry-run`,
  `task resume-from ${TASK_ID} --checkpoint c --plan y --yes`,
  `supervisor resume ${CONTRACT_ID} --yes`,
  `undo ${TASK_ID} --yes`,
  `undo ${TASK_ID} --branch 1 --yes`,
  `branches ${TASK_ID}`,
  `supervisor history ${CONTRACT_ID}`,
  `snapshot list ${TASK_ID}`,
  `snapshot show ${TASK_ID} ${OTHER_TASK_ID}`,
  `snapshot create ${TASK_ID}`,
  `snapshot restore ${TASK_ID} ${OTHER_TASK_ID} --yes`,
  'chat list',
  `chat show ${OTHER_TASK_ID}`,
  `chat show ${OTHER_TASK_ID} --format table`,
  'status',
  'whoami',
  'access list',
  'access create --name x',
  'admin projections',
  'admin verify',
  'admin rebuild n',
  'admin skip timeline --yes',
  'admin replay task-x --state',
  'admin database',
  'audit log',
  'audit stream task-x',
  'audit show 5',
  'audit verify',
  'task show 0190c3',
  'import FILE',
];

describe('what an agent wrote', () => {
  let fake: FakeMakima;
  let folder: string;
  beforeAll(async () => {
    fake = await FakeMakima.start();
    for (const [route, answer] of JSON_ROUTES) fake.on(route, poisoned(answer) as object);
    for (const [route, values] of LINE_ROUTES) {
      const text = values.map((value) => `${JSON.stringify(poisoned(value))}\n`).join('');
      fake.on(
        route,
        (_: Seen, response: ServerResponse) =>
          void response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).end(text),
      );
    }
    folder = mkdtempSync(join(tmpdir(), 'makima-hostile-'));
    writeFileSync(join(folder, 'a.jsonl'), '{}');
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await fake.stop();
  });

  const words = (command: string): readonly string[] =>
    command.split(' ').map((word) => (word === 'FILE' ? join(folder, 'a.jsonl') : word));
  /** What a progress bar writes to go back to the beginning of its line. */
  const withoutBars = (text: string): string => text.replaceAll('\r\x1b[K', '');

  it.each(COMMANDS)('reaches a terminal harmless: %s', async (command) => {
    const ran = await runCommand(fake.url, words(command), {
      terminal: { columns: 100 },
      env: { NO_COLOR: '1' },
    });
    expect(ran.err).not.toContain('unforeseen');
    expect(ran.out + ran.err).not.toBe('');
    expect(ran.out).not.toMatch(FORBIDDEN);
    expect(withoutBars(ran.err)).not.toMatch(FORBIDDEN);
  });

  it.each(COMMANDS)('reaches a pipe harmless: %s', async (command) => {
    const ran = await runCommand(fake.url, words(command));
    expect(ran.out).not.toMatch(FORBIDDEN);
    expect(ran.err).not.toMatch(FORBIDDEN);
  });

  it.each(COMMANDS.filter((command) => !command.includes('--format')))(
    'is escaped in JSON, and is all there: %s',
    async (command) => {
      const { out } = await runCommand(fake.url, [...words(command), '--format', 'json']);
      expect(out).not.toMatch(FORBIDDEN);
      if (/^(admin rebuild|access create|task show 0190c3|admin skip)/.test(command)) return;
      expect(
        () =>
          JSON.parse(
            command.startsWith('audit log') || command.startsWith('audit stream') ? out.split('\n')[0]! : out,
          ) as unknown,
      ).not.toThrow();
    },
  );

  it('is harmless in what the server says is wrong, too', async () => {
    const refusing = await FakeMakima.start();
    refusing.on('GET /api/v1/mesh/tasks', (_, response) =>
      problem(response, 422, `BAD${EVIL}`, EVIL, { errors: [{ field: EVIL, code: 'X', detail: EVIL }] }),
    );
    const { err } = await runCommand(refusing.url, ['task', 'list']);
    expect(err).not.toMatch(FORBIDDEN);
    expect(err).toContain('␛[2J');
    await refusing.stop();
  });

  it('would be obeyed if it were printed as it came (control)', () => {
    const hostile = JSON_ROUTES.filter(([, answer]) => FORBIDDEN.test(JSON.stringify(poisoned(answer))));
    expect(hostile.length).toBeGreaterThan(35);
    expect(EVIL).toMatch(FORBIDDEN);
  });
});
