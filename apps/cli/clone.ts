import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientError } from '#libs/client/api-error.js';
import { EXIT } from '#libs/client/exit-codes.js';

/** Git did not do what it was asked for in a clone of the user's. */
export class CloneError extends ClientError {
  override readonly name = 'CloneError';
  readonly exitCode = EXIT.conflict;
}

interface GitEnded {
  readonly code: number | null;
  readonly stderr: string;
}

/** A repository of the user's own: git works in it as they set it up. */
export class Clone {
  constructor(private readonly folder: string) {}

  /** @throws CloneError if the folder is in no repository. */
  async assertIsOne(): Promise<void> {
    const { code } = await this.#git(['rev-parse', '--git-dir']);
    if (code !== 0) throw new CloneError(`${this.folder} is in no git repository`);
  }

  /** @param commit full id of a commit. */
  has = async (commit: string): Promise<boolean> =>
    (await this.#git(['cat-file', '-e', `${commit}^{commit}`])).code === 0;

  /**
   * Takes a branch out of a bundle. One of this name that is there moves forward at most.
   * @throws CloneError
   */
  async fetch(bundle: ReadableStream<Uint8Array>, branch: string): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'makima-branch-'));
    try {
      const file = join(folder, 'bundle');
      await writeFile(file, bundle);
      const ref = `refs/heads/${branch}`;
      const { code, stderr } = await this.#git([
        'fetch',
        '--quiet',
        '--no-tags',
        '--',
        file,
        `${ref}:${ref}`,
      ]);
      if (code !== 0)
        throw new CloneError(`git did not take the branch into ${this.folder}: ${stderr.trim()}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #git(args: readonly string[]): Promise<GitEnded> {
    return new Promise((resolve, reject) => {
      const child = spawn('git', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(0, 4_096)));
      child.on('error', ({ message }) =>
        reject(new CloneError(`git could not be started in ${this.folder}: ${message}`)),
      );
      child.on('close', (code) => resolve({ code, stderr }));
    });
  }
}
