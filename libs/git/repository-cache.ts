import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, gitLine, isObjectId, type Environment, type GitPlace } from './git.js';
import { folderOnDisk, fileOrNull } from './on-disk.js';
import { repositorySource, type AllowedSources, type RepositorySource } from './repository-url.js';

export interface CacheOptions extends AllowedSources {
  /** Milliseconds that one fetch may take (default 30 minutes). */
  readonly timeoutMs?: number;
}

/** A contract's repository, as it was when it was fetched last. Objects are never removed from it. */
export interface CachedRepository {
  /** As the contract has it. */
  readonly address: string;
  readonly place: GitPlace;
  /** What its HEAD names: a branch, and its commit. Null: it is at no branch; it has no commit. */
  readonly head: { readonly branch: string | null; readonly commit: string | null };
}

const FETCH_MS = 30 * 60_000;

const CONFIG = `[core]
	repositoryformatversion = 0
	bare = true
	logAllRefUpdates = false
[fetch]
	unpackLimit = 1
	recurseSubmodules = false
`;

/** Written when everything of the first fetch is there. */
const COMPLETE = 'makima-head.json';
const DETACHED = 'refs/makima/head';

/**
 * The daemon's mirrors of contracts' repositories. Fetching is the one thing that git does with the credentials and the
 * configuration of whoever runs the daemon. Nothing is ever collected here: shadow repositories borrow from it.
 */
export class RepositoryCache {
  readonly #underWay = new Map<string, Promise<CachedRepository>>();

  constructor(
    private readonly folder: string,
    private readonly options: CacheOptions = {},
  ) {}

  /**
   * Fetches what is new, or everything. Whoever asks while a fetch is under way gets its result.
   * @throws RepositoryRefused
   * @throws GitFailed
   */
  refresh(address: string): Promise<CachedRepository> {
    let fetch = this.#underWay.get(address);
    if (!fetch) {
      fetch = this.#refresh(address).finally(() => this.#underWay.delete(address));
      this.#underWay.set(address, fetch);
    }
    return fetch;
  }

  /** What was fetched before, without asking its source; null: it never was, or not to the end. */
  async kept(address: string): Promise<CachedRepository | null> {
    const place = { gitDir: this.#gitDir(address) };
    const found = await fileOrNull(join(place.gitDir, COMPLETE), 10_000);
    if (found === null) return null;
    return { address, place, head: JSON.parse(found.toString()) as CachedRepository['head'] };
  }

  async #refresh(address: string): Promise<CachedRepository> {
    const source = await repositorySource(address, this.options);
    const place = { gitDir: this.#gitDir(address) };
    await prepared(place.gitDir);
    const from = new Source(place, source, this.options.timeoutMs ?? FETCH_MS);
    const { branch, isEmpty } = await from.head();
    await from.fetch([
      '+refs/heads/*:refs/heads/*',
      '+refs/tags/*:refs/tags/*',
      ...(isEmpty ? [] : [`+HEAD:${DETACHED}`]),
    ]);
    await folderOnDisk(join(place.gitDir, 'objects/pack'));
    const commit = isEmpty ? '' : await gitLine(place, ['for-each-ref', '--format=%(objectname)', DETACHED]);
    const head = { branch, commit: isObjectId(commit) ? commit : null };
    const complete = join(place.gitDir, COMPLETE);
    await writeFile(`${complete}.new`, JSON.stringify(head));
    await rename(`${complete}.new`, complete);
    return { address, place, head };
  }

  #gitDir(address: string): string {
    return join(this.folder, `${createHash('sha256').update(address).digest('hex')}.git`);
  }
}

/** Makes a repository without anything, and clears what a killed git left in it. */
async function prepared(gitDir: string): Promise<void> {
  for (const folder of ['refs', 'objects/pack'])
    await mkdir(join(gitDir, folder), { recursive: true, mode: 0o700 });
  await writeFile(join(gitDir, 'config'), CONFIG);
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
  for (const name of await readdir(join(gitDir, 'objects/pack')))
    if (name.startsWith('tmp_')) await rm(join(gitDir, 'objects/pack', name), { force: true });
  for (const name of [
    ...(await readdir(gitDir)),
    ...(await readdir(join(gitDir, 'refs'), { recursive: true }).then((names) =>
      names.map((name) => join('refs', name)),
    )),
  ])
    if (name.endsWith('.lock')) await rm(join(gitDir, name), { force: true });
}

/** What of this process' environment git needs to reach a server as the person who runs the daemon does. */
const OF_THE_DAEMON = [
  ...['HOME', 'USER', 'LOGNAME', 'XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'],
  ...['SSH_AUTH_SOCK', 'GIT_SSH', 'GIT_SSH_COMMAND', 'GIT_SSL_CAINFO', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY', 'all_proxy', 'ALL_PROXY'],
];

/** Where a repository is fetched from, and under whose configuration. */
class Source {
  constructor(
    private readonly place: GitPlace,
    private readonly source: RepositorySource,
    private readonly timeoutMs: number,
  ) {}

  async head(): Promise<{ readonly branch: string | null; readonly isEmpty: boolean }> {
    const answer = await this.#git(['ls-remote', '--symref', '--', this.#address, 'HEAD']);
    const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer.toString())?.[1] ?? null;
    return { branch, isEmpty: !/^[0-9a-f]+\tHEAD$/m.test(answer.toString()) };
  }

  async fetch(refs: readonly string[]): Promise<void> {
    const args = [
      '--prune',
      '--no-tags',
      '--no-recurse-submodules',
      '--no-write-fetch-head',
      '--force',
      '--quiet',
    ];
    await this.#git(['fetch', ...args, '--', this.#address, ...refs]);
  }

  async #git(args: readonly string[]): Promise<Buffer> {
    return git(this.place, args, { environment: await this.#environment(), timeoutMs: this.timeoutMs });
  }

  get #address(): string {
    return this.source.kind === 'local' ? this.source.path : this.source.url;
  }

  async #environment(): Promise<Environment> {
    if (this.source.kind === 'local') return this.#local();
    return {
      ...Object.fromEntries(OF_THE_DAEMON.map((name) => [name, process.env[name]])),
      GIT_CONFIG_NOSYSTEM: undefined,
      GIT_CONFIG_GLOBAL: process.env['GIT_CONFIG_GLOBAL'],
      GIT_ALLOW_PROTOCOL: new URL(
        this.source.url.includes('://') ? this.source.url : 'ssh://x',
      ).protocol.slice(0, -1),
    };
  }

  /**
   * A local source may be as hostile as any folder. Git serves it with a program that passes by what its configuration
   * names, and asks nobody for objects that are missing; another user may own it. No configuration of anybody is read.
   */
  async #local(): Promise<Environment> {
    const config = join(this.place.gitDir, 'serving.config');
    await writeFile(config, '[safe]\n\tdirectory = *\n');
    return { GIT_CONFIG_GLOBAL: config, GIT_ALLOW_PROTOCOL: 'file' };
  }
}
