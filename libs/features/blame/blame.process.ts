import { Injectable } from '@nestjs/common';
import type { Queryable } from '#libs/database/database.js';
import { blameOf, firstParents, type BlamedLine } from '#libs/git/blame.js';
import { GitFailed, type GitPlace } from '#libs/git/git.js';
import { meantPaths, shownPath, type PathBytes } from '#libs/git/path-bytes.js';
import { entryAt } from '#libs/git/tree.js';
import type { RequestContext } from '#libs/http/request-context.js';
import { notFound } from '#libs/kernel/caller.js';
import { Problem } from '#libs/kernel/problem.js';
import { ReadModels } from '#libs/projections/read-models.js';
import { CheckpointCode } from '../checkpoint/checkpoint-code.process.js';
import { requireShown } from '../conversation/shown.js';
import { shows } from '../conversation/segments.js';
import type { BlameQuery, BlameResponse, MakerAnswer, OriginAnswer } from './blame.dto.js';
import { checkpointsOfCommits, makersOf, type Maker, type OriginCheckpoint } from './blame.queries.js';

/** Checkpoints that are gone back over at most. */
const MOST_CHECKPOINTS = 10_000;
const MOST_LINES = 20_000;
const MOST_BYTES = 10_000_000;

/** Tells from a line of a file which checkpoint brought it, and which message made it. */
@Injectable()
export class Blame {
  constructor(
    private readonly reads: ReadModels,
    private readonly code: CheckpointCode,
  ) {}

  /** @throws Problem CHECKPOINT_NOT_SAFE, NOT_FOUND, FILE_TOO_LARGE */
  async blame(
    taskId: string,
    wanted: string,
    { path, line }: BlameQuery,
    context: RequestContext,
  ): Promise<BlameResponse> {
    const { checkpoint, task, hub } = await this.code.safe(taskId, wanted, context);
    const { place } = hub;
    const file = await readableFile(place, checkpoint.commitSha, path);
    const chain = await firstParents(place, checkpoint.commitSha, MOST_CHECKPOINTS);
    const known = await this.reads.read(context, (db) => checkpointsOfCommits(db, chain, task.contractId));
    const byCommit = new Map(known.map((one) => [one.commitSha, one]));
    const lines = await linesOf(place, {
      commit: checkpoint.commitSha,
      path: file,
      // What the agent's repository had before is no checkpoint's.
      since: chain.find((commit) => !byCommit.has(commit)) ?? null,
      lines: line === undefined ? [1, MOST_LINES + 1] : [line, line],
    });
    if (line !== undefined && lines.length === 0) throw notFound('line', String(line));
    const shown = line === undefined ? lines.slice(0, MOST_LINES) : lines;
    const origins = new Map(shown.map((one) => [keyOf(one), one]));
    const indexes = new Map([...origins.keys()].map((key, index) => [key, index]));
    return {
      checkpointId: checkpoint.id,
      path,
      lines: shown.map((one) => ({ line: one.line, text: one.text, origin: indexes.get(keyOf(one))! })),
      isCut: shown.length < lines.length,
      origins: await this.reads.read(context, (db) => originsOf(db, [...origins.values()], byCommit)),
    };
  }
}

const keyOf = ({ commit, path }: BlamedLine): string => `${commit} ${path}`;

/** The path of a file whose lines can be looked into. @throws Problem */
async function readableFile(place: GitPlace, commit: string, shown: string): Promise<PathBytes> {
  for (const path of meantPaths(shown)) {
    const entry = await entryAt(place, commit, path);
    // Git is given the path as an argument, which is UTF-8.
    const isUtf8 = !Buffer.from(path, 'latin1').toString('utf8').includes('\uFFFD');
    if (entry?.size == null || !isUtf8) continue;
    if (entry.size <= MOST_BYTES) return path;
    throw new Problem(
      'FILE_TOO_LARGE',
      `The file has ${entry.size} bytes; the lines of at most ${MOST_BYTES} are looked into.`,
    );
  }
  throw notFound('file', shown);
}

/** Git says that a file has no such line by an error. */
const linesOf = (...asked: Parameters<typeof blameOf>): Promise<readonly BlamedLine[]> =>
  blameOf(...asked).catch((error: unknown) => {
    if (error instanceof GitFailed && /has only \d+ lines?/.test(error.stderr)) return [];
    throw error;
  });

async function originsOf(
  db: Queryable,
  lines: readonly BlamedLine[],
  checkpoints: ReadonlyMap<string, OriginCheckpoint>,
): Promise<readonly OriginAnswer[]> {
  const found = lines.map(({ commit, path }) => ({
    commitSha: commit,
    path: shownPath(path),
    checkpoint: checkpoints.get(commit) ?? null,
  }));
  const searches = found.flatMap(({ checkpoint, path }) =>
    checkpoint
      ? [{ taskId: checkpoint.taskId, from: checkpoint.seqBefore + 1, to: checkpoint.seq, path }]
      : [],
  );
  const makers = (await makersOf(db, searches)).values();
  const showing = new Showing(db);
  const origins: OriginAnswer[] = [];
  for (const { checkpoint, ...origin } of found) {
    if (!checkpoint) {
      origins.push({ ...origin, checkpoint, messages: null, madeBy: null });
      continue;
    }
    const maker = makers.next().value ?? null;
    const { id, taskId, checkpointNumber, message, createdAt, seq, seqBefore } = checkpoint;
    origins.push({
      ...origin,
      checkpoint: { id, taskId, checkpointNumber, message, createdAt: createdAt.toISOString() },
      messages: { from: seqBefore + 1, to: seq },
      madeBy: maker && (await showing.told(taskId, maker)),
    });
  }
  return origins;
}

/** Whether tasks show messages now; each task is looked at once. */
class Showing {
  readonly #segments = new Map<string, ReturnType<typeof requireShown>>();

  constructor(private readonly db: Queryable) {}

  async told(taskId: string, maker: Maker): Promise<MakerAnswer> {
    const shown = this.#segments.get(taskId) ?? requireShown(this.db, taskId, null, null);
    this.#segments.set(taskId, shown);
    const { messageId, seq, toolName, toolCallId, branch } = maker;
    const isShown = shows((await shown).segments, { taskId, seq });
    return { messageId, seq, toolName, toolCallId, branch, isShown };
  }
}
