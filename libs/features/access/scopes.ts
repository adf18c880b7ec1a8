import type { CallerKind } from '#libs/kernel/caller.js';

/** What a key may do. Routes name the scopes that they ask for. */
export const SCOPES = {
  historyRead: 'history:read',
  historyWrite: 'history:write',
  conversationRewind: 'conversation:rewind',
  importWrite: 'import:write',
  chatWrite: 'chat:write',
  accessManage: 'access:manage',
  auditRead: 'audit:read',
  adminProjections: 'admin:projections',
  daemonWork: 'daemon:work',
  /** Other owners' data too; each such use is put on record in that owner's stream. */
  allOwners: 'all-owners',
} as const;

export type Scope = (typeof SCOPES)[keyof typeof SCOPES];

export const ALL_SCOPES: readonly Scope[] = Object.values(SCOPES);

export const KEY_KINDS = [
  'user',
  'tool',
  'daemon',
  'admin',
  'auditor',
] as const satisfies readonly CallerKind[];

const {
  historyRead,
  historyWrite,
  conversationRewind,
  importWrite,
  chatWrite,
  accessManage,
  auditRead,
  daemonWork,
  allOwners,
} = SCOPES;

/** What a key of a kind gets when nothing else is asked for. */
export const DEFAULT_SCOPES: Readonly<Record<CallerKind, readonly Scope[]>> = {
  user: [historyRead, historyWrite, conversationRewind, importWrite, chatWrite, accessManage, auditRead],
  tool: [historyRead, historyWrite, conversationRewind, chatWrite],
  daemon: [daemonWork, historyRead, historyWrite],
  admin: ALL_SCOPES.filter((scope) => scope !== daemonWork && scope !== allOwners),
  auditor: [historyRead, auditRead],
};

/** What a key of a kind may hold at all: a tool key never manages keys, an auditor's never writes. */
export const POSSIBLE_SCOPES: Readonly<Record<CallerKind, readonly Scope[]>> = {
  user: DEFAULT_SCOPES.user,
  tool: [...DEFAULT_SCOPES.tool, importWrite],
  daemon: DEFAULT_SCOPES.daemon,
  admin: ALL_SCOPES,
  auditor: [...DEFAULT_SCOPES.auditor, allOwners],
};
