import type { MakimaApi } from '#libs/client/makima-api.js';
import { pagesOf } from '#libs/client/pages.js';
import type { Paged } from '#libs/client/types.js';
import { isUuid } from '#libs/kernel/ids.js';
import { EXIT } from '#libs/client/exit-codes.js';
import { UsageError } from '../usage-error.js';
import { taskHere } from './task-here.js';

/** Something that an id may mean. */
export interface Candidate {
  readonly id: string;
  /** For people: what it is called. */
  readonly label: string;
}

const LEAST = 6;
const SHOWN = 8;
const PAGE = 1_000;

/**
 * Finds what an id, or the unique beginning of one (6 characters at least), means. A whole id is not looked up.
 * @param noun such as `task`, for messages.
 * @throws UsageError if it is too short or means several things, NotFound if it means none.
 */
export async function resolveId(
  noun: string,
  text: string,
  candidates: () => AsyncIterable<Candidate>,
): Promise<string> {
  const wanted = text.trim().toLowerCase();
  const complete: boolean = isUuid(wanted);
  if (complete) return wanted;
  if (!/^[0-9a-f-]+$/.test(wanted))
    throw new UsageError(`${JSON.stringify(text)} is no id of a ${noun}`, [hintFor(noun)]);
  if (wanted.length < LEAST) {
    throw new UsageError(
      `${JSON.stringify(text)} is too short: give at least ${LEAST} characters of the ${noun}'s id`,
    );
  }
  const found = new Map<string, Candidate>();
  for await (const candidate of candidates()) {
    if (candidate.id.startsWith(wanted)) found.set(candidate.id, candidate);
  }
  const [only] = found.values();
  if (!only) throw new NothingFound(noun, text);
  if (found.size > 1) throw ambiguous(noun, text, [...found.values()]);
  return only.id;
}

/** No id begins with what was given. */
export class NothingFound extends UsageError {
  override readonly exitCode = EXIT.notFound;
  constructor(noun: string, text: string) {
    super(`there is no ${noun} whose id begins with ${JSON.stringify(text)}`, [hintFor(noun)]);
  }
}

function ambiguous(noun: string, text: string, found: readonly Candidate[]): UsageError {
  const shown = found.slice(0, SHOWN).map(({ id, label }) => `${id}  ${label}`);
  const more = found.length > SHOWN ? [`… and ${found.length - SHOWN} more`] : [];
  return new UsageError(`${JSON.stringify(text)} could be ${found.length} ${noun}s; give more of the id:`, [
    ...shown,
    ...more,
  ]);
}

const LISTS: Readonly<Record<string, string>> = {
  task: 'makima task list',
  contract: 'makima contract list',
  chat: 'makima chat list',
  message: 'makima task history <task>',
  snapshot: 'makima snapshot list <task>',
  daemon: 'makima daemon list',
  rewind: 'makima task rewinds <task>',
};

const hintFor = (noun: string): string =>
  LISTS[noun] ? `see them with: ${LISTS[noun]}` : `check the id of the ${noun}`;

async function* all<Page extends Paged, Item>(
  load: (cursor: string | undefined) => Promise<Page>,
  items: (page: Page) => readonly Item[],
  toCandidate: (item: Item) => Candidate,
): AsyncGenerator<Candidate, void, undefined> {
  for await (const page of pagesOf(load)) yield* items(page).map(toCandidate);
}

const named = ({ id, name }: { readonly id: string; readonly name: string }): Candidate => ({
  id,
  label: name,
});

/** A task; `.` is the one whose folder this is. */
export async function resolveTask(api: MakimaApi, text: string): Promise<string> {
  if (text === '.') return requireTaskHere();
  return resolveId('task', text, () =>
    all(
      (cursor) => api.tasks.list({ limit: PAGE, cursor }),
      ({ tasks }) => tasks,
      named,
    ),
  );
}

function requireTaskHere(): string {
  const taskId = taskHere();
  if (taskId !== undefined) return taskId;
  throw new UsageError("this is no task's folder", [hintFor('task')]);
}

export const resolveContract = (api: MakimaApi, text: string): Promise<string> =>
  resolveId('contract', text, () =>
    all(
      (cursor) => api.contracts.list({ limit: PAGE, cursor }),
      ({ contracts }) => contracts,
      named,
    ),
  );

export const resolveChat = (api: MakimaApi, contractId: string | undefined, text: string): Promise<string> =>
  resolveId('chat', text, () =>
    all(
      (cursor) => api.chats.list(contractId, { limit: 100, cursor }),
      ({ chats }) => chats,
      named,
    ),
  );

export const resolveSnapshot = (api: MakimaApi, taskId: string, text: string): Promise<string> =>
  resolveId('snapshot', text, () =>
    all(
      (cursor) => api.tasks.snapshots(taskId, { limit: 100, cursor }),
      ({ snapshots }) => snapshots,
      ({ id, snapshotType, messageCount }) => ({ id, label: `${snapshotType}, ${messageCount} messages` }),
    ),
  );

export const resolveDaemon = (api: MakimaApi, text: string): Promise<string> =>
  resolveId('daemon', text, async function* () {
    yield* (await api.daemons.list()).daemons.map(named);
  });

/** A rewind of a task's code. */
export const resolveRewind = (api: MakimaApi, taskId: string, text: string): Promise<string> =>
  resolveId('rewind', text, async function* () {
    const { rewinds } = await api.rewinds.list(taskId, PAGE);
    yield* rewinds.map(({ rewindId, phase, requestedAt }) => ({
      id: rewindId,
      label: `${phase}, ${requestedAt}`,
    }));
  });

/** A message of what a task's conversation shows now. */
export const resolveMessage = (api: MakimaApi, taskId: string, text: string): Promise<string> =>
  resolveId('message', text, () =>
    all(
      (cursor) => api.tasks.conversation(taskId, { limit: PAGE, cursor }),
      ({ messages }) => messages,
      ({ id, role, content }) => ({ id, label: `${role}: ${content.slice(0, 60)}` }),
    ),
  );

/** A stream's name, in which the id of a task, a contract or a mesh chat may be shortened: `task-0190c3d4`. */
export async function resolveStream(api: MakimaApi, text: string): Promise<string> {
  const [, noun, id] = /^(task|contract|chat)-([0-9A-Fa-f-]{6,35})$/.exec(text.trim()) ?? [];
  if (noun === undefined || id === undefined) return text.trim();
  if (noun === 'chat') return `chat-${await resolveChat(api, undefined, id)}`;
  return noun === 'task'
    ? `task-${await resolveTask(api, id)}`
    : `contract-${await resolveContract(api, id)}`;
}

/** What says which contract is meant, where no option does; for help texts. */
export const CONTRACT_HERE = "MAKIMA_CONTRACT_ID, that of the task's folder here";

/** The contract that a command is about: --contract, else MAKIMA_CONTRACT_ID, else that of the task whose folder this is. */
export async function contractFrom(
  api: MakimaApi,
  option: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const found = option === undefined ? await contractHere(api, env) : await resolveContract(api, option);
  if (found !== undefined) return found;
  throw new UsageError('which contract?', [
    'say it with --contract <id>, or set MAKIMA_CONTRACT_ID',
    'see them with: makima contract list',
  ]);
}

/** The contract that the environment names, else that of the task whose folder this is; undefined: neither. */
export async function contractHere(api: MakimaApi, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const named = env.MAKIMA_CONTRACT_ID?.trim();
  if (named) return resolveContract(api, named);
  const taskId = taskHere();
  return taskId === undefined ? undefined : ((await api.tasks.show(taskId)).contractId ?? undefined);
}
