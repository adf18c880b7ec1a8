import { lstatSync } from 'node:fs';

/** Steps at which a test kills the daemon: MAKIMA_FAILPOINT names one, and the process ends there as by `kill -9`. */
export const FAILPOINTS = [
  'lease-taken',
  'folder-half-made',
  'run-started',
  'run-ended',
  'checkpoint-captured',
  'checkpoint-pinned',
  'checkpoint-journaled',
  'checkpoint-recorded',
  'checkpoint-packed',
  'rewind-stopped',
  'rewind-captured',
  'rewind-recorded',
  'rewind-journaled',
  'rewind-prepared',
  'rewind-half-restored',
  'rewind-restored',
  'rewind-verified',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

const isArmed = (name: Failpoint): boolean => process.env['MAKIMA_FAILPOINT'] === name;

/** Ends this process on the spot if this is the step that it was told to die at. */
export function failpoint(name: Failpoint): void {
  if (isArmed(name)) process.kill(process.pid, 'SIGKILL');
}

/** The same as soon as something at a path is another file than now, or gone: in the middle of what changes many. */
export function failpointWhenChanged(name: Failpoint, path: string | Buffer): void {
  if (!isArmed(name)) return;
  const before = stateOf(path);
  setInterval(() => {
    if (stateOf(path) !== before) failpoint(name);
  }, 1);
}

/** A file that takes the place of another may get its number. */
function stateOf(path: string | Buffer): string {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return found ? `${found.ino} ${found.ctimeNs}` : '';
}
