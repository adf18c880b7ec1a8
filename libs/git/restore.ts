import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TreeChange } from './changes.js';
import { git, type GitPlace } from './git.js';
import { parentsOf, pathInput, pathsIn, shownPath, type PathBytes } from './path-bytes.js';

const MOST_NAMED = 20;

/** Files in the folder that a restore would have to overwrite, and that no capture holds: nothing was changed. */
export class RestoreBlocked extends Error {
  override readonly name = 'RestoreBlocked';

  constructor(readonly paths: readonly PathBytes[]) {
    const named = paths.slice(0, MOST_NAMED).map(shownPath).join(', ');
    const more = paths.length > MOST_NAMED ? ` and ${paths.length - MOST_NAMED} more` : '';
    super(
      `not restored, and nothing was changed: ${named}${more} would be overwritten, and no checkpoint holds what is there`,
    );
  }
}

/**
 * Files that a restore would remove and the tree that it leads to ignores: `.env` stays in a folder that goes back to
 * before somebody captured it. What stands in the way of that tree's own files does not stay.
 * @param settings what else is ignored in the folder.
 */
export async function ignoredThere(
  { gitDir }: GitPlace,
  to: string,
  changes: readonly TreeChange[],
  settings: readonly string[],
): Promise<readonly PathBytes[]> {
  const going = changes.filter(({ action }) => action === 'deleted').map(({ path }) => path);
  if (going.length === 0) return [];
  const scratch = await mkdtemp(join(gitDir, 'ignored-'));
  try {
    const folder = { gitDir, workTree: join(scratch, 'files') };
    await mkdir(folder.workTree);
    await writeIgnores({ gitDir, workTree: folder.workTree }, to, going, join(scratch, 'index'));
    // This command knows no literal paths: what begins with a dot has no magic. It says 1 if nothing is ignored.
    const answer = await git(folder, [...settings, 'check-ignore', '--no-index', '-z', '--stdin'], {
      input: pathInput(going.map((path) => `./${path}`)),
      exits: [0, 1],
      environment: { GIT_LITERAL_PATHSPECS: undefined },
    });
    return outOfTheWay(
      pathsIn(answer).map((path) => path.slice(2)),
      changes,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Writes the .gitignore files of a tree that say something of some paths. */
async function writeIgnores(
  place: GitPlace & { readonly workTree: string },
  tree: string,
  paths: readonly PathBytes[],
  index: string,
): Promise<void> {
  const wanted = new Set(['.gitignore']);
  for (const path of paths) for (const parent of parentsOf(path)) wanted.add(`${parent}/.gitignore`);
  const entries = pathsIn(await git(place, ['ls-tree', '-r', '-z', tree])).filter(
    (line) => line.startsWith('100') && wanted.has(line.slice(line.indexOf('\t') + 1)),
  );
  if (entries.length === 0) return;
  const environment = { GIT_INDEX_FILE: index };
  await git(place, ['update-index', '-z', '--index-info'], { environment, input: pathInput(entries) });
  await git(place, ['checkout-index', '--all'], { environment });
}

function outOfTheWay(paths: readonly PathBytes[], changes: readonly TreeChange[]): readonly PathBytes[] {
  const coming = new Set<PathBytes>();
  const above = new Set<PathBytes>();
  for (const { path, action } of changes) {
    if (action !== 'added') continue;
    coming.add(path);
    for (const parent of parentsOf(path)) above.add(parent);
  }
  return paths.filter(
    (path) => !above.has(path) && ![...parentsOf(path)].some((parent) => coming.has(parent)),
  );
}
