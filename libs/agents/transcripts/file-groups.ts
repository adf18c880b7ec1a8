import type { ClaudeCodeFiles } from './claude-code.js';
import { ClaudeCodeGroups, isAgentMeta, isSpilledOutput } from './claude-code-groups.js';
import type { CompanionFile } from './claude-code-groups.js';
import { detect } from './detect.js';
import type { Detected } from './detect.js';
import type { GeminiCliFiles } from './gemini-cli.js';
import type { TranscriptFile } from './transcript.js';
import { unpackedHead } from './zstd.js';

/** Files that make one transcript. */
export type FileGroup =
  | { readonly format: 'claude-code'; readonly files: ClaudeCodeFiles }
  | { readonly format: 'codex'; readonly rollouts: readonly TranscriptFile[] }
  | { readonly format: 'gemini-cli'; readonly files: GeminiCliFiles };

export interface RefusedFile {
  readonly name: string;
  readonly reason: string;
}

export interface FileGroups {
  readonly groups: readonly FileGroup[];
  readonly refused: readonly RefusedFile[];
}

type Known<Format> = CompanionFile & Extract<Detected, { readonly format: Format }>;

const HEAD_BYTES = 4 * 1024 * 1024;

/** Sorts files into transcripts: sub-agents and companions go with their session. Reads each file's beginning, once. */
export function groupFiles(files: readonly TranscriptFile[]): FileGroups {
  return new FileSorter(files).sorted();
}

class FileSorter {
  readonly #refused: RefusedFile[] = [];
  readonly #claude: Known<'claude-code'>[] = [];
  readonly #codex: Known<'codex'>[] = [];
  readonly #gemini: Known<'gemini-cli'>[] = [];
  readonly #metas: CompanionFile[] = [];
  readonly #outputs: CompanionFile[] = [];

  constructor(files: readonly TranscriptFile[]) {
    const found = files.map((file) => ({ file, path: pathOf(file.name) }));
    const paths = new Set(found.map(({ path }) => path));
    for (const each of found) {
      if (isAgentMeta(each.path)) this.#metas.push(each);
      else if (isSpilledOutput(each.path)) this.#outputs.push(each);
      else if (each.path.endsWith('.zst') && paths.has(each.path.slice(0, -'.zst'.length))) {
        this.#refuse(each.file.name, 'the same file is here unpacked');
      } else this.#sort(each);
    }
  }

  sorted(): FileGroups {
    const refuse = (name: string, reason: string): void => this.#refuse(name, reason);
    const claude = new ClaudeCodeGroups(this.#claude, this.#metas, this.#outputs, refuse).groups();
    return {
      groups: [
        ...claude.map((files): FileGroup => ({ format: 'claude-code', files })),
        ...threadsOf(this.#codex).map((rollouts): FileGroup => ({ format: 'codex', rollouts })),
        ...chatsOf(this.#gemini).map((files): FileGroup => ({ format: 'gemini-cli', files })),
      ],
      refused: this.#refused,
    };
  }

  #sort(each: CompanionFile): void {
    const found = detectedIn(each.file);
    if (found.format === 'claude-code') this.#claude.push({ ...each, ...found });
    else if (found.format === 'codex') this.#codex.push({ ...each, ...found });
    else if (found.format === 'gemini-cli') this.#gemini.push({ ...each, ...found });
    else this.#refuse(each.file.name, found.reason);
  }

  #refuse(name: string, reason: string): void {
    this.#refused.push({ name, reason });
  }
}

function detectedIn(file: TranscriptFile): Detected {
  try {
    return detect(unpackedHead(file.bytes, HEAD_BYTES));
  } catch (error) {
    return { format: 'none', reason: reasonOf(error) };
  }
}

/** Codex: a thread's rollout with those of its sub-agents, each after its parent. */
function threadsOf(found: readonly Known<'codex'>[]): (readonly TranscriptFile[])[] {
  const ids = new Set(found.map(({ sessionId }) => sessionId));
  const children = new Map<string | undefined, Known<'codex'>[]>();
  for (const each of found) {
    const siblings = children.get(each.parentId);
    if (siblings) siblings.push(each);
    else children.set(each.parentId, [each]);
  }
  const taken = new Set<Known<'codex'>>();
  const threadOf = (root: Known<'codex'>): readonly TranscriptFile[] => {
    const thread = [root];
    taken.add(root);
    for (const { sessionId } of thread) {
      for (const child of (sessionId !== undefined && children.get(sessionId)) || []) {
        if (taken.has(child)) continue;
        taken.add(child);
        thread.push(child);
      }
    }
    return thread.map(({ file }) => file);
  };
  const roots = found.filter(({ parentId }) => parentId === undefined || !ids.has(parentId));
  const threads = roots.map(threadOf);
  // Threads that name each other as parents have no root.
  for (const each of found) if (!taken.has(each)) threads.push(threadOf(each));
  return threads;
}

/** Gemini CLI: a chat with its sub-agents, which stand in a folder named after it. */
function chatsOf(found: readonly Known<'gemini-cli'>[]): GeminiCliFiles[] {
  const agents = new Map<string, TranscriptFile[]>();
  for (const { file, path, isSubAgent } of found) {
    if (!isSubAgent) continue;
    const mainId = path.split('/').at(-2) ?? '';
    const siblings = agents.get(mainId);
    if (siblings) siblings.push(file);
    else agents.set(mainId, [file]);
  }
  const chats = found
    .filter(({ isSubAgent }) => !isSubAgent)
    .map(({ file, sessionId = '' }): GeminiCliFiles => {
      const mine = agents.get(sessionId) ?? [];
      agents.delete(sessionId);
      return { main: file, agents: mine, mainId: sessionId };
    });
  return [...chats, ...[...agents].map(([mainId, files]): GeminiCliFiles => ({ agents: files, mainId }))];
}

/** One form for `a/b`, `./a/b`, `a//b` and `a\b`. */
const pathOf = (name: string): string => name.replace(/[\\/]+/g, '/').replace(/^\.\//, '');

/** A sentence for people. */
export const reasonOf = (error: unknown): string =>
  `could not be read: ${error instanceof Error && error.message !== '' ? error.message : 'unknown reason'}`;
