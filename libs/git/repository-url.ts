import { realpath } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface AllowedSources {
  /** Folders that local repositories may be in (default: any). */
  readonly localRoots?: readonly string[];
  /** Schemes of URLs (default: https and ssh, which is also what `git@host:path` means). */
  readonly schemes?: readonly string[];
}

export type RepositorySource =
  { readonly kind: 'local'; readonly path: string } | { readonly kind: 'remote'; readonly url: string };

/** The address of a repository is none that this daemon fetches from: nothing was started. */
export class RepositoryRefused extends Error {
  override readonly name = 'RepositoryRefused';
}

const SCHEMES = ['https', 'ssh'];
const SCP = /^[a-z0-9_][\w.-]*@[a-z0-9][\w.-]*:[^-:].*$/i;
const CONTROL = /\p{Cc}/u;

/**
 * Reads the address of a contract's repository: an absolute path, `file:///…`, `https://…`, `ssh://…` or `git@host:path`.
 * @throws RepositoryRefused for everything else: what git would take for an option, `ext::…`, a path outside the roots
 */
export async function repositorySource(
  address: string,
  { localRoots, schemes = SCHEMES }: AllowedSources = {},
): Promise<RepositorySource> {
  if (address.startsWith('-') || CONTROL.test(address))
    throw refused(address, 'it begins with a dash, or has control characters');
  if (isAbsolute(address)) return local(address, localRoots);
  if (address.startsWith('file:///')) return local(fileURLToPath(address), localRoots);
  return remote(address, schemes);
}

function remote(address: string, schemes: readonly string[]): RepositorySource {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined && SCP.test(address) && schemes.includes('ssh'))
    return { kind: 'remote', url: address };
  if (scheme === undefined)
    throw refused(address, 'it is neither an absolute path nor a URL that is allowed');
  if (!schemes.includes(scheme))
    throw refused(address, `only ${schemes.join(', ')} and local paths are allowed`);
  const host = URL.canParse(address) ? new URL(address).hostname : '';
  if (host === '' || host.startsWith('-')) throw refused(address, 'it names no host');
  return { kind: 'remote', url: address };
}

/** The address without a password, for people, logs and what an agent can read. */
export function shownAddress(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (url.password === '') return address;
  url.password = '';
  return url.href;
}

async function local(path: string, roots: readonly string[] | undefined): Promise<RepositorySource> {
  const real = await realpath(path).catch(() => null);
  if (real === null) throw refused(path, 'there is no such folder');
  if (!roots) return { kind: 'local', path: real };
  for (const root of roots) {
    const above = await realpath(root).catch(() => null);
    if (above !== null && (real === above || real.startsWith(above.endsWith(sep) ? above : above + sep)))
      return { kind: 'local', path: real };
  }
  throw refused(path, 'it is in none of the folders that this daemon allows');
}

const refused = (address: string, why: string): RepositoryRefused =>
  new RepositoryRefused(`${JSON.stringify(shownAddress(address))} is not fetched from: ${why}`);
