import type { HistoryEntry } from '#libs/client/types.js';
import type { BranchTree } from '#libs/client/types-conversation.js';
import { render, type Line } from '../terminal/styled.js';
import { entry } from '../testing/samples.js';
import { branchLines } from './branches.js';
import { historyLines, nextHistoryLines, whatLine } from './history.js';

const shown = (lines: readonly Line[]): readonly string[] => lines.map((one) => render(one, false));
const what = (more: Partial<HistoryEntry>): string => render(whatLine(entry(1, more), 240), false);

describe('what happened', () => {
  it.each<[Partial<HistoryEntry>, string]>([
    [{}, 'task created Fix the login'],
    [
      {
        eventType: 'status_change',
        eventData: { previousStatus: 'running', newStatus: 'failed', reason: 'disk\nfull' },
        failed: true,
      },
      '✗ status change running → failed: disk full',
    ],
    [{ eventType: 'output', eventData: { channel: 'stderr', text: 'oh\nno' } }, 'output stderr: oh no'],
    [
      { eventType: 'conversation_rewound', eventData: { hiddenMessages: 4, reason: 'again' } },
      'conversation rewound 4 messages hidden: again',
    ],
    [{ eventType: 'agent_line', eventData: { lineType: 'summary', raw: '{}' } }, 'agent line summary'],
    [{ eventType: 'snapshot', eventData: { messageCount: 40 } }, 'snapshot 40 messages'],
    [{ eventType: 'pending_tasks', eventData: { taskIds: ['a', 'b'] } }, 'pending tasks 2 tasks'],
    [{ eventType: 'something_new', eventData: null }, 'something new'],
    [{ entryType: 'chat_message', role: 'user', content: 'Hello\nthere' }, 'user: Hello there'],
    [{ entryType: 'chat_message', role: 'assistant', content: '' }, 'assistant: (calls tools)'],
    [
      { entryType: 'chat_message', role: 'tool', toolName: 'Bash', content: 'boom', failed: true },
      '✗ Bash: boom',
    ],
    [
      { entryType: 'phase_change', eventType: 'phase_change', previousPhase: 'plan', newPhase: 'execute' },
      'plan → execute',
    ],
    [
      { entryType: 'phase_change', eventType: 'contract_created', newPhase: 'plan', name: 'Login' },
      'contract created in plan: Login',
    ],
    [
      {
        entryType: 'phase_change',
        eventType: 'contract_status',
        previousStatus: 'active',
        newStatus: 'completed',
      },
      'contract active → completed',
    ],
    [
      {
        entryType: 'checkpoint',
        checkpointNumber: 3,
        commitSha: 'abcdef0123456789',
        message: 'works',
        filesChanged: [
          { path: 'a', action: 'A' },
          { path: 'b', action: 'M' },
        ],
      },
      '#3 abcdef0123 works (2 files)',
    ],
    [
      {
        entryType: 'file_change',
        filesChanged: [
          { path: 'src/a.ts', action: 'M', linesAdded: 3, linesRemoved: 1 },
          { path: 'b', action: 'D' },
        ],
      },
      'M src/a.ts +3 −1, D b',
    ],
    [
      {
        entryType: 'file_change',
        filesChanged: Array.from({ length: 9 }, (_, at) => ({ path: `f${at}`, action: 'A' as const })),
      },
      'A f0, A f1, A f2, A f3, and 5 more',
    ],
  ])('%j reads %s', (more, expected) => expect(what(more)).toBe(expected));
});

describe('a timeline', () => {
  const entries = [
    entry(1),
    entry(2, {
      entryType: 'chat_message',
      role: 'user',
      content: 'word '.repeat(30),
      timestamp: '2026-03-02T12:00:00.000Z',
    }),
  ];

  it('has whole times and kinds in pipes', () => {
    const [head, first] = shown(historyLines(entries, { width: Infinity, full: false }));
    expect(head).toMatch(/^time +phase +kind +task +what$/);
    expect(first).toMatch(
      /^2026-\d\d-\d\d \d\d:\d\d:01 [+-]\d\d:\d\d {2}plan {3}task {2}Fix the login {2}task created/,
    );
  });

  it('has a heading for each day on a terminal, and fits it', () => {
    const lines = shown(historyLines(entries, { width: 70, full: false }));
    expect(lines.filter((one) => /^\w+day \d{4}-\d\d-\d\d \([+-]\d\d:\d\d\)$/.test(one))).toHaveLength(2);
    expect(lines.every((one) => one.length <= 70)).toBe(true);
  });

  it('leaves columns out that say nothing', () => {
    const [head] = shown(
      historyLines(entries, { width: Infinity, full: false, oneTask: true, withoutPhase: true }),
    );
    expect(head).toMatch(/^time +kind +what$/);
  });

  it('goes on below what it printed before', () => {
    const view = { width: 100, full: false };
    const [first, second] = [entry(1), entry(2)];
    expect(shown(nextHistoryLines(first, undefined, view))).toHaveLength(2);
    expect(shown(nextHistoryLines(second, first, view))).toHaveLength(1);
  });
});

describe('a tree of branches', () => {
  const branch = (number: number, previousBranch: number | null, more: object = {}) => ({
    branch: number,
    previousBranch,
    kind: previousBranch === null ? 'start' : 'rewind',
    point: { kind: 'messageCount', value: '2' },
    reason: null,
    actor: { kind: 'user', id: 'k' },
    createdAt: '2026-03-01T10:00:00.000Z',
    messageCount: 10,
    hiddenMessages: 0,
    undoneBranch: null,
    current: false,
    ...more,
  });

  it('shows what began where, and which is shown now', () => {
    const tree: BranchTree = {
      taskId: 't',
      current: 3,
      branches: [
        branch(0, null, { point: null }),
        branch(1, 0, { reason: 'first try' }),
        branch(2, 1, { kind: 'undo', undoneBranch: 1 }),
        branch(3, 0, { current: true, point: { kind: 'message', value: 'm-1' } }),
      ],
      forks: [
        {
          taskId: 'f-1',
          name: 'Fork',
          point: { type: 'message_id', value: 'm-2', inclusive: false, timestamp: '' },
          createdAt: '2026-03-01T10:00:00.000Z',
        },
      ],
    };
    const lines = shown(branchLines(tree, Infinity, (id) => id));
    expect(lines.slice(1, 5).map((one) => one.replace(/ {2,}\d.*/, ''))).toEqual([
      '○ 0            start',
      '├─○ 1          rewind by 2',
      '│ └─○ 2        undo of 1',
      '└─● 3 current  rewind to message m-1',
    ]);
    expect(lines[2]).toContain('first try');
    expect(lines.at(-1)).toMatch(/^f-1 +Fork +message m-2 \(exclusive\)/);
  });
});
