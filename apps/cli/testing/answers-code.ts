import { TASK_ID } from './samples.js';

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
];
