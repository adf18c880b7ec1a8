import type { Contract, HistoryEntry, Task } from '#libs/client/types.js';
import type { ConversationMessage } from '#libs/client/types-conversation.js';

export const TASK_ID = '0190c3d4-0000-7000-8000-000000000001';
export const OTHER_TASK_ID = '0190c3d4-0000-7000-8000-000000000002';
export const CONTRACT_ID = '0190a1b2-0000-7000-8000-000000000001';
export const MESSAGE_ID = '0190e5f6-0000-7000-8000-000000000001';

export const task = (more: Partial<Task> = {}): Task => ({
  id: TASK_ID,
  name: 'Fix the login',
  plan: 'Find out why it fails',
  status: 'running',
  contractId: CONTRACT_ID,
  parentTaskId: null,
  isSupervisor: false,
  continueFromTaskId: null,
  checkpointSha: null,
  copyFiles: [],
  forkedFromTaskId: null,
  forkedAtCheckpointId: null,
  fork: null,
  source: null,
  pendingTaskIds: [],
  lastCheckpointSha: null,
  checkpointCount: 0,
  checkpointMessage: null,
  controlVersion: 1,
  createdAt: '2026-03-01T10:00:00.000Z',
  completedAt: null,
  updatedAt: '2026-03-01T11:00:00.000Z',
  ...more,
});

export const contract = (more: Partial<Contract> = {}): Contract => ({
  id: CONTRACT_ID,
  name: 'Login',
  description: '',
  phase: 'plan',
  status: 'active',
  supervisorTaskId: TASK_ID,
  repository: null,
  version: 1,
  createdAt: '2026-03-01T09:00:00.000Z',
  updatedAt: '2026-03-01T09:00:00.000Z',
  ...more,
});

export const message = (seq: number, more: Partial<ConversationMessage> = {}): ConversationMessage => ({
  id: `0190e5f6-0000-7000-8000-${String(seq).padStart(12, '0')}`,
  role: 'user',
  content: `message ${seq}`,
  timestamp: `2026-03-01T10:00:${String(seq % 60).padStart(2, '0')}.000Z`,
  taskId: TASK_ID,
  seq,
  position: String(100 + seq),
  ...more,
});

export const entry = (position: number, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  id: `0190f000-0000-7000-8000-${String(position).padStart(12, '0')}`,
  timestamp: `2026-03-01T10:00:${String(position % 60).padStart(2, '0')}.000Z`,
  entryType: 'task_event',
  phase: 'plan',
  position: String(position),
  failed: false,
  taskId: TASK_ID,
  taskName: 'Fix the login',
  eventType: 'task_created',
  eventData: { name: 'Fix the login' },
  ...more,
});

export const conversation = (messages: readonly ConversationMessage[], more: object = {}) => ({
  taskId: TASK_ID,
  taskName: 'Fix the login',
  status: 'running',
  messages,
  totalCount: messages.length,
  totalTokens: null,
  totalCost: null,
  branch: 0,
  controlVersion: 1,
  ...more,
});
