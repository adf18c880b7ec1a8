// A repository, makima with a task on it, and a plain clone of it beside: both sides of a comparison.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { plainClone } from '../peers/plain-git.mjs';
import { sourceRepository } from '../sources.mjs';
import { startCode } from './code.mjs';

/** @param size how many files of how many bytes. */
export async function codeBed({ server, options }, { files, bytes }) {
  const base = mkdtempSync(join(options.home, 'makima-bench-code-'));
  const source = join(base, 'source.git');
  await sourceRepository(source, files, bytes);
  const plain = join(base, 'plain');
  await plainClone(source, plain);
  const code = await startCode({ server, database: 'bench_code', repository: source, root: base });
  const taskId = await code.newTask('The task');
  return {
    base,
    source,
    code,
    taskId,
    folder: code.daemon.folderOf(taskId),
    plain,
    /** What is awaited before each case. */
    async before() {
      await code.atRest();
      await server.checkpoint();
    },
    async stop() {
      await code.stop();
      rmSync(base, { recursive: true, force: true });
    },
  };
}
