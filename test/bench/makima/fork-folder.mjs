// The folder of a fork as the daemon makes it, with the daemon's own modules: a clone from its cache, then the checkpoint,
// whose code comes from the hub over HTTP.
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { Journal } from '../../../dist/apps/daemon/journal.js';
import { ServerApi } from '../../../dist/apps/daemon/server-api.js';
import { TaskCode } from '../../../dist/apps/daemon/task-code.js';
import { prepareFolder } from '../../../dist/apps/daemon/work-folder.js';
import { RepositoryCache } from '../../../dist/libs/git/repository-cache.js';

/** @returns a function that makes one more folder at a checkpoint, and answers where. */
export async function forkFolders({ code, base, source, taskId }, checkpoint) {
  const signal = new AbortController().signal;
  const { token } = await code.api.post('/access/keys', { kind: 'daemon', name: 'forks' });
  const api = new ServerApi({ url: code.api.url, token, signal }, randomUUID());
  const cache = new RepositoryCache(join(base, 'fork-cache'));
  const cached = await cache.refresh(source);
  const { id: checkpointId, commitSha, headSha, branchName } = checkpoint;
  return async () => {
    const fork = randomUUID();
    const at = join(base, 'forks', fork);
    mkdirSync(at, { recursive: true });
    const place = { taskId: fork, folder: join(at, 'folder'), shadow: join(at, 'shadow.git') };
    const journal = await Journal.open(join(at, 'journal.json'), () => undefined);
    const made = await TaskCode.open(place, cached);
    const lease = {
      taskId: fork,
      code: {
        checkpoint: { taskId, checkpointId, commitSha, headSha, branchName },
        restore: true,
        branchName: null,
        copyFiles: null,
      },
    };
    const tools = { place, cache, journal, api, signal, log: () => undefined };
    // It is new: nothing is in it that would have to be kept first.
    const [checkpoints, recording] = [undefined, undefined];
    await prepareFolder(lease, made, checkpoints, recording, tools);
    return place.folder;
  };
}
