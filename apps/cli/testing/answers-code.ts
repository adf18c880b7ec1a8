import { OTHER_TASK_ID, TASK_ID } from './samples.js';

const AT = '2026-03-01T10:00:00Z';
const blamed = {
  checkpointId: 'c',
  path: 'a',
  lines: [
    { line: 1, text: 'one', origin: 0 },
    { line: 2, text: 'two', origin: 1 },
    { line: 3, text: 'three', origin: 2 },
  ],
  isCut: true,
  origins: [
    { commitSha: 'a', path: 'a', checkpoint: null, messages: null, madeBy: null },
    {
      commitSha: 'b',
      path: 'b',
      checkpoint: { id: 'c', taskId: TASK_ID, checkpointNumber: 1, message: 'm', createdAt: AT },
      messages: { from: 1, to: 4 },
      madeBy: { messageId: 'm', seq: 4, toolName: 'Edit', toolCallId: 'x', branch: 0, isShown: false },
    },
    {
      commitSha: 'd',
      path: 'a',
      checkpoint: { id: 'd', taskId: OTHER_TASK_ID, checkpointNumber: 2, message: 'm', createdAt: AT },
      messages: { from: 5, to: 4 },
      madeBy: null,
    },
  ],
};
const compared = {
  taskId: TASK_ID,
  name: 'Fix',
  point: 'checkpoint',
  messageCount: 12,
  since: {
    messages: 4,
    toolCalls: 2,
    failedCalls: 1,
    tools: [{ name: 'Bash', calls: 2, failed: 1 }],
    tokens: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4 },
    costUsd: 0.5,
    checkpoints: 1,
    firstAt: AT,
    lastAt: AT,
  },
  checkpoint: { id: 'c', taskId: TASK_ID, checkpointNumber: 3, commitSha: 'abc', isSafe: false },
};
const comparison = {
  ancestor: { taskId: TASK_ID, messageId: 'm', messageCount: 8 },
  task: compared,
  with: { ...compared, taskId: OTHER_TASK_ID, name: 'Other' },
  code: {
    from: compared.checkpoint,
    to: { ...compared.checkpoint, checkpointNumber: 4 },
    filesChanged: 1,
    insertions: 2,
    deletions: 1,
    files: [
      { path: 'a', action: 'modified', renamedFrom: 'b', additions: 2, deletions: 1, binary: false },
      { path: 'c', action: 'added', additions: 0, deletions: 0, binary: true },
    ],
    diffUrl: '/x',
  },
};
const branchMade = {
  taskId: TASK_ID,
  checkpointId: 'c',
  branchName: 'b',
  commitSha: 'a'.repeat(40),
  parentSha: 'b'.repeat(40),
  checkout: false,
  dryRun: false,
  position: '1',
};

const T = '/api/v1/mesh/tasks';

/** What the routes about the code of tasks answer, with every field that commands show. */
export const CODE_ROUTES: readonly (readonly [route: string, answer: object])[] = [
  [`POST ${T}/*/checkpoints/2/branch`, branchMade],
  [`GET ${T}/*/compare`, comparison],
  [`GET ${T}/*/checkpoints/2/blame`, blamed],
];
