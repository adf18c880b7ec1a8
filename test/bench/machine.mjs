// What the figures were measured on.
import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';

const git = (...args) => {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
};

/** Commit (with a mark if files differ from it), time, hardware and software. */
export function circumstances(postgres) {
  const changed = git('status', '--porcelain');
  return {
    commit: git('rev-parse', 'HEAD'),
    changedFiles: changed === null ? null : changed.split('\n').filter(Boolean).length,
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
    node: process.version,
    postgres,
    loadBefore: loadavg().map((load) => Number(load.toFixed(2))),
  };
}
