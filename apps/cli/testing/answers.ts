import { OTHER_TASK_ID, TASK_ID, contract, conversation, entry, message, task } from './samples.js';

const AT = '2026-03-01T10:00:00Z';
const call = { id: 'c1', name: 'Bash', input: { command: 'ls', 'a key': 'key' } };
const messages = [
  message(1, { origin: 'compaction' }),
  message(2, {
    role: 'assistant',
    thinking: 'hm',
    model: 'm',
    toolCalls: [call, { ...call, id: 'c2' }],
    attachments: [{ mediaType: 'image/png', sha256: 'a'.repeat(64), bytes: 5 }],
  }),
  message(3, {
    role: 'tool',
    toolCallId: 'c1',
    toolName: 'Bash',
    toolInput: call.input,
    toolResult: 'x',
    isError: true,
  }),
  message(4, { role: 'tool', toolCallId: 'gone', toolName: 'Bash', toolInput: call.input, toolResult: 'x' }),
];
const files = [{ path: 'a', action: 'M', linesAdded: 1 }];
const entries = [
  entry(1),
  entry(2, { eventType: 'status_change', eventData: { previousStatus: 'a', newStatus: 'b', reason: 'c' } }),
  entry(3, { eventType: 'output', eventData: { channel: 'stdout', text: 'text' } }),
  entry(4, { eventType: 'agent_line', eventData: { lineType: 'x' } }),
  entry(5, { entryType: 'chat_message', role: 'tool', toolName: 'Bash', content: 'x' }),
  entry(6, {
    entryType: 'phase_change',
    eventType: 'phase_change',
    previousPhase: 'plan',
    newPhase: 'execute',
  }),
  entry(7, { entryType: 'checkpoint', checkpointNumber: 1, commitSha: 'abc', message: 'x' }),
  entry(8, { entryType: 'file_change', filesChanged: [{ path: 'a', action: 'A' }] }),
];
const actor = { kind: 'user', id: 'k' };
const branches = [
  {
    branch: 0,
    previousBranch: null,
    kind: 'start',
    point: null,
    reason: null,
    actor,
    createdAt: AT,
    messageCount: 4,
    hiddenMessages: 0,
    undoneBranch: null,
    current: false,
  },
  {
    branch: 1,
    previousBranch: 0,
    kind: 'rewind',
    point: { kind: 'message', value: 'm' },
    reason: 'why',
    actor,
    createdAt: AT,
    messageCount: 4,
    hiddenMessages: 2,
    undoneBranch: null,
    current: true,
  },
];
const tree = {
  taskId: TASK_ID,
  current: 1,
  branches,
  forks: [
    {
      taskId: OTHER_TASK_ID,
      name: 'x',
      point: { type: 'message_id', value: 'm', timestamp: AT },
      createdAt: AT,
    },
  ],
};
const moved = {
  taskId: TASK_ID,
  dryRun: false,
  branch: 1,
  previousBranch: 0,
  hiddenMessages: 3,
  messageCount: 9,
  controlVersion: 4,
};
const snapshot = {
  id: OTHER_TASK_ID,
  taskId: TASK_ID,
  checkpointId: 'c',
  snapshotType: 'manual',
  messageCount: 9,
  branch: 0,
  note: 'n',
  takenBy: actor,
  createdAt: AT,
};
const chat = {
  id: OTHER_TASK_ID,
  name: 'x',
  contractId: null,
  status: 'open',
  isActive: false,
  messageCount: 9,
  openQuestions: 1,
  createdAt: AT,
  updatedAt: AT,
};
const said = {
  id: 'm',
  role: 'user',
  content: 'x',
  contextType: 'task',
  contextTaskId: 't',
  toolCalls: [{ ...call, result: 'r' }],
  pendingQuestions: [
    { id: 'q', question: 'x', options: ['a'], answer: null },
    { id: 'q', question: 'x', options: [], answer: 'y' },
  ],
  createdAt: AT,
};
const totals = { task_event: 1 };
const overview = {
  from: AT,
  to: AT,
  bucketSeconds: 1,
  failed: 0,
  totals,
  buckets: [{ start: AT, counts: totals, failed: 0 }],
};
const checkpoint = {
  id: 'c',
  taskId: TASK_ID,
  checkpointNumber: 1,
  commitSha: 'abc',
  branchName: 'b',
  message: 'm',
  filesChanged: files,
  linesAdded: 1,
  linesRemoved: 0,
  headSha: null,
  leftOut: [{ path: 'nested', reason: 'nested_repository' }],
  isSafe: true,
  createdAt: AT,
};
const checkpointDiff = {
  checkpoint,
  previousCheckpoint: { ...checkpoint, checkpointNumber: 0 },
  diff: {
    files: [
      {
        path: 'a.ts',
        action: 'modified',
        renamedFrom: 'b.ts',
        additions: 1,
        deletions: 1,
        binary: false,
        cut: true,
        oldMode: '100644',
        newMode: '100755',
        hunks: [
          {
            oldStart: 1,
            oldLines: 2,
            newStart: 1,
            newLines: 2,
            heading: 'function f() {',
            lines: [
              { kind: 'context', text: 'same' },
              { kind: 'deleted', text: 'old' },
              { kind: 'added', text: 'new', noNewline: true },
            ],
          },
        ],
      },
      { path: 'c.png', action: 'added', additions: 0, deletions: 0, binary: true, cut: false, hunks: [] },
    ],
    stats: { filesChanged: 2, insertions: 1, deletions: 1 },
  },
};
const fork = {
  newTaskId: 'n',
  sourceTaskId: 's',
  forkPoint: { type: 't', timestamp: 'x' },
  branchName: 'b',
  conversationIncluded: true,
  messageCount: 1,
};
const rewound = {
  taskId: TASK_ID,
  rewindId: OTHER_TASK_ID,
  phase: 'deferred',
  scope: 'both',
  rewindedTo: { checkpointId: 'c', checkpointNumber: 1, sha: 'abc', message: 'm' },
  beforeCheckpointId: 'b',
  preservedAs: { type: 'branch', reference: 'r' },
  branch: 2,
  reason: 'why',
  requestedAt: AT,
  hiddenMessages: 2,
  changes: {
    filesChanged: 3,
    insertions: 1,
    deletions: 1,
    files: [{ path: 'a.ts', action: 'modified', additions: 1, deletions: 1 }],
    isFolder: false,
  },
  dryRun: false,
};
const daemon = {
  id: OTHER_TASK_ID,
  name: 'n',
  status: 'connected',
  version: 'v',
  hostname: 'h',
  capacity: 4,
  runners: ['r'],
  lastHeartbeatAt: AT,
  tasks: [TASK_ID],
  freeBytes: 5,
  usedBytes: 5,
  refusedOutputs: 1,
  lastRefused: { taskId: 't', epoch: 1, items: 2, at: AT },
  registeredAt: AT,
};
const run = { taskId: TASK_ID, status: 'paused', controlVersion: 3, detail: 'd' };

const amount = { messages: 1, toolCalls: 2, toolResults: 3 };
const goesOn = {
  told: {
    shown: amount,
    given: amount,
    leftOut: [{ ...amount, reason: 'budget' }],
    shortened: 1,
    unknownCalls: 1,
    summary: true,
    tokens: 12_345,
  },
  prompt: 'p',
  checkpoint: { checkpointNumber: 1, sha: 'abc', message: 'm', isSafe: false },
  daemon: { daemonId: 'd', isConnected: false },
  rewind: { hiddenMessages: 2 },
  dryRun: false,
  newTaskId: 'n',
};

const T = '/api/v1/mesh/tasks';
const C = '/api/v1/contracts';
/** What every route about work and its history answers, with something in every field. */
export const HISTORY_ROUTES: readonly (readonly [route: string, answer: object])[] = [
  [`GET ${C}`, { contracts: [contract({ description: 'd', repository: 'r' })] }],
  [`GET ${C}/*`, contract({ description: 'd', repository: 'r' })],
  [`POST ${C}`, contract()],
  [`POST ${C}/*/phase`, contract()],
  [`PUT ${C}/*/supervisor`, contract()],
  [`GET ${C}/*/history`, { contractId: 'c', entries, totalCount: 9, cursor: null }],
  [`GET ${C}/*/history/overview`, overview],
  [
    `GET ${C}/*/supervisor/conversation`,
    {
      ...conversation(messages),
      supervisorTaskId: TASK_ID,
      pendingTaskIds: ['p'],
      spawnedTasks: [{ taskId: TASK_ID, taskName: 'n', status: 'x', createdAt: AT }],
    },
  ],
  [`GET ${C}/*/supervisor/conversation/branches`, tree],
  [`GET ${T}`, { tasks: [task()] }],
  [`POST ${T}`, task()],
  [
    `GET ${T}/*`,
    task({
      source: { agent: 'a', sessionId: 's', cwd: 'c', gitBranch: 'g' },
      checkpointCount: 1,
      checkpointMessage: 'm',
      forkedFromTaskId: 'f',
      lastCheckpointSha: 's',
      pendingTaskIds: ['p'],
    }),
  ],
  [`GET ${T}/*/conversation`, conversation(messages, { branch: 1 })],
  [`GET ${T}/*/branches`, tree],
  [`GET ${T}/*/history`, { entries }],
  [`GET ${T}/*/output`, { taskId: TASK_ID, events: entries }],
  [`GET ${T}/*/events`, { taskId: TASK_ID, events: entries }],
  [`GET ${T}/*/checkpoints`, { checkpoints: [checkpoint] }],
  [`GET ${T}/*/checkpoints/2/diff`, checkpointDiff],
  [`POST ${T}/*/conversation/rewind`, moved],
  [`POST ${T}/*/conversation/undo`, moved],
  [`POST ${T}/*/rewind`, rewound],
  [`POST ${T}/*/rewind/undo`, rewound],
  [`GET ${T}/*/rewinds`, { taskId: TASK_ID, rewinds: [rewound] }],
  [`POST ${T}/*/rewinds/*/cancel`, rewound],
  [`POST ${T}/*/start`, run],
  [`POST ${T}/*/stop`, run],
  [`POST ${T}/*/tests`, { taskId: TASK_ID, passed: true, position: '9' }],
  [`POST ${T}/*/checkpoint-requests`, { taskId: TASK_ID, requestId: 'r', checkpoint, detail: 'd' }],
  ['GET /api/v1/daemons', { daemons: [daemon] }],
  ['GET /api/v1/daemons/*', daemon],
  [`POST ${T}/*/fork`, fork],
  [`POST ${T}/*/continue`, goesOn],
  [`POST ${T}/*/checkpoints/*/resume`, goesOn],
  [`POST ${C}/*/supervisor/resume`, goesOn],
  [`GET ${T}/*/snapshots`, { snapshots: [snapshot] }],
  [`GET ${T}/*/snapshots/*`, { ...snapshot, messages }],
  [`POST ${T}/*/snapshots`, snapshot],
  [`POST ${T}/*/snapshots/*/restore`, moved],
  ['GET /api/v1/timeline', { entries }],
  ['GET /api/v1/timeline/overview', overview],
  ['GET /api/v1/mesh/chats', { chats: [chat] }],
  ['GET /api/v1/mesh/chats/*', chat],
  ['GET /api/v1/mesh/chats/*/messages', { messages: [said] }],
];
