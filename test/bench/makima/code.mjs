// A server, daemons beside it, and a contract on a repository: what goes through them is what users get.
import { readFileSync } from 'node:fs';
import { now, sleep } from '../measure.mjs';
import { startApi } from './api.mjs';
import { startDaemonProcess } from './daemon.mjs';

const LONGEST_MS = 300_000;
const POLL_MS = 5;

/** Asks until the answer is what is waited for. */
export async function until(ask, holds, what) {
  for (const begun = now(); now() - begun < LONGEST_MS;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await sleep(POLL_MS);
  }
  throw new Error(`waited ${LONGEST_MS} ms for ${what}`);
}

const REST_MS = 100;

/** Whether processes have processes of their own, as Linux tells it; elsewhere nobody knows. */
function haveChildren(pids) {
  try {
    return pids.some((pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') !== '');
  } catch {
    return false;
  }
}

/**
 * Starts a server and one daemon.
 * @param repository path of the repository that the contract is about.
 * @param root folder for the homes of both, on a disk.
 */
export async function startCode({ server, database, repository, root }) {
  const databaseUrl = await server.createDatabase(database);
  const api = await startApi(databaseUrl, {}, root);
  const daemons = [await startDaemonProcess(api, 'first', root)];
  const contract = await api.post('/contracts', { name: 'Bench', repository });
  const [daemon] = daemons;
  const task = (id, rest = '') => `/mesh/tasks/${id}${rest}`;
  const said = () => daemons.map((one) => one.said()).join(' / ');

  /** The daemon has the folder, and its files are at rest. */
  const completed = (id) =>
    until(
      () => api.get(task(id)),
      ({ status }) => {
        if (status === 'failed') throw new Error(`task ${id} failed; ${said()}`);
        return status === 'completed';
      },
      `the end of task ${id}; ${said()}`,
    );

  return {
    api,
    databaseUrl,
    daemon,
    contractId: contract.id,
    hub: `${api.hubs}/contract-${contract.id}.git`,
    completed,
    /** Waits until nobody does anything in the background, which would be paid for by whoever comes next. */
    async atRest() {
      const pids = [api.pid, ...daemons.map(({ pid }) => pid)];
      for (let since = now(); now() - since < REST_MS; await sleep(POLL_MS))
        if (haveChildren(pids)) since = now();
    },
    async addDaemon(name) {
      const added = await startDaemonProcess(api, name, root);
      daemons.push(added);
      return added;
    },
    async removeDaemon(one) {
      await one.stop();
      daemons.splice(daemons.indexOf(one), 1);
    },
    /** A task whose command has run, so that the daemon has its folder. */
    async newTask(name, command = ['true']) {
      const { id } = await api.post('/mesh/tasks', { name, plan: 'Wait.', contractId: contract.id });
      await api.post(task(id, '/start'), {
        runner: { name: 'command', command },
        targetDaemonId: daemon.id,
      });
      await completed(id);
      return id;
    },
    /** Asks for a checkpoint as people do; resolves when it is recorded. */
    async checkpoint(id) {
      const { checkpoint, requestId } = await api.post(task(id, '/checkpoint-requests'), {});
      if (checkpoint) return checkpoint;
      throw new Error(`checkpoint ${requestId} was not taken within the request; ${said()}`);
    },
    /** Resolves when a checkpoint is in the hub. */
    safe: (id, checkpointId) =>
      until(
        () => api.get(task(id, `/checkpoints/${checkpointId}`)),
        ({ isSafe }) => isSafe,
        `checkpoint ${checkpointId} in the hub; ${said()}`,
      ),
    async rewind(id, checkpointId) {
      const body = { checkpointId, preserveMode: 'discard', reason: 'bench' };
      const { phase, rewindId } = await api.post(task(id, '/rewind'), body);
      if (phase !== 'completed') throw new Error(`rewind ${rewindId} is ${phase}; ${said()}`);
    },
    async stop() {
      for (const one of daemons) await one.stop();
      await api.stop();
      await server.dropDatabase(database);
    },
  };
}
