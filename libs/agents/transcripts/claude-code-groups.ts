import type { ClaudeCodeAgentFile } from './claude-code-agents.js';
import type { ClaudeCodeFiles } from './claude-code.js';
import type { TranscriptFile } from './transcript.js';

/** A file of Claude Code with its path in one form and what its first lines tell. */
export interface FoundClaudeCodeFile {
  readonly file: TranscriptFile;
  readonly path: string;
  readonly sessionId?: string | undefined;
  /** Set for a sub-agent's file. */
  readonly agentId?: string | undefined;
}

export interface CompanionFile {
  readonly file: TranscriptFile;
  readonly path: string;
}

interface Group {
  main?: TranscriptFile;
  readonly agents: ClaudeCodeAgentFile[];
  readonly outputs: TranscriptFile[];
}

const AGENT_FILE = /(?:^|\/)agent-([^/]+)\.jsonl$/;

/** What goes with a session, told by its path alone: descriptions of sub-agents and outputs. */
export const isAgentMeta = (path: string): boolean => /(?:^|\/)agent-[^/]+\.meta\.json$/.test(path);
export const isSpilledOutput = (path: string): boolean => /(?:^|\/)tool-results\/[^/]+$/.test(path);

/** Sorts files of Claude Code into sessions. */
export class ClaudeCodeGroups {
  readonly #groups: Group[] = [];
  readonly #byPath = new Map<string, Group>();
  readonly #bySession = new Map<string, Group>();
  readonly #metas: Map<string, TranscriptFile>;

  constructor(
    found: readonly FoundClaudeCodeFile[],
    metas: readonly CompanionFile[],
    outputs: readonly CompanionFile[],
    private readonly refuse: (name: string, reason: string) => void,
  ) {
    this.#metas = new Map(metas.map(({ path, file }) => [path, file]));
    for (const each of found) if (!isAgent(each)) this.#addMain(each);
    for (const each of found) if (isAgent(each)) this.#addAgent(each);
    for (const { name } of this.#metas.values()) refuse(name, 'the sub-agent that it describes is not here');
    for (const { path, file } of outputs) {
      const group = this.#byPath.get(sessionFolder(path) ?? '');
      if (group) group.outputs.push(file);
      else refuse(file.name, 'the session that it belongs to is not here');
    }
  }

  groups(): readonly ClaudeCodeFiles[] {
    return this.#groups;
  }

  #addMain({ file, path, sessionId }: FoundClaudeCodeFile): void {
    const group: Group = { main: file, agents: [], outputs: [] };
    this.#groups.push(group);
    this.#byPath.set(path.replace(/\.jsonl(\.zst)?$/, ''), group);
    for (const key of sessionKeys(path, sessionId))
      if (!this.#bySession.has(key)) this.#bySession.set(key, group);
  }

  /** A sub-agent belongs to the session that its folder is named after, else to one with its session's id. */
  #addAgent({ file, path, sessionId, agentId }: FoundClaudeCodeFile): void {
    const folder = sessionFolder(path);
    const keys = sessionKeys(folder ?? path, sessionId);
    const group = this.#byPath.get(folder ?? '') ?? this.#ofSession(keys) ?? this.#withoutMain(keys);
    const id = agentId ?? AGENT_FILE.exec(path)?.[1] ?? path;
    if (group.agents.some((agent) => agent.agentId === id)) {
      return this.refuse(file.name, 'another file of the same sub-agent is here');
    }
    const metaPath = path.replace(/\.jsonl$/, '.meta.json');
    const meta = this.#metas.get(metaPath);
    this.#metas.delete(metaPath);
    group.agents.push({ agentId: id, file, ...(meta && { meta }) });
  }

  #ofSession(keys: readonly string[]): Group | undefined {
    return keys.map((key) => this.#bySession.get(key)).find((group) => group !== undefined);
  }

  #withoutMain(keys: readonly string[]): Group {
    const group: Group = { agents: [], outputs: [] };
    this.#groups.push(group);
    for (const key of keys) this.#bySession.set(key, group);
    return group;
  }
}

const isAgent = ({ agentId, path }: FoundClaudeCodeFile): boolean =>
  agentId !== undefined || AGENT_FILE.test(path);

/** `<folder>/<session>` of `<folder>/<session>/subagents/…` and `<folder>/<session>/tool-results/…`. */
const sessionFolder = (path: string): string | undefined =>
  /^(.*)\/(?:subagents|tool-results)\//.exec(path)?.[1];

/** A session's id in its folder, and anywhere. */
const sessionKeys = (path: string, sessionId: string | undefined): readonly string[] =>
  [path.slice(0, Math.max(0, path.lastIndexOf('/'))), ' '].map((place) => `${place} ${sessionId ?? path}`);
