import type { ClaudeCodeConversation } from './claude-code-conversation.js';
import { safeId, titleOf, UniqueIds } from './entry-names.js';
import { isRecord, parseJson, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import type { ToolCallEntry, TranscriptFile, TranscriptSession } from './transcript.js';

/** A sub-agent's own file: `<session>/subagents/agent-<id>.jsonl`, in older versions beside the session. */
export interface ClaudeCodeAgentFile {
  readonly agentId: string;
  readonly file: TranscriptFile;
  /** `agent-<id>.meta.json` beside it. */
  readonly meta?: TranscriptFile;
}

interface SubAgent {
  readonly id: string;
  readonly conversation: ClaudeCodeConversation;
  readonly file?: TranscriptFile | undefined;
  readonly meta?: TranscriptFile | undefined;
  /** The conversation that it was started in and the call, where its lines tell. */
  parent?: ClaudeCodeConversation | undefined;
  toolCallId?: string | undefined;
}

interface Start {
  readonly by: ClaudeCodeConversation;
  readonly call: ToolCallEntry | undefined;
  readonly toolCallId: string;
}

/** The sub-agents of a session: from their own files, from progress lines and from side chains in the main file. */
export class SubAgents {
  readonly #agents = new Map<string, SubAgent>();
  readonly #chains = new Map<string, SubAgent>();
  readonly #withFile: ReadonlySet<string>;

  constructor(
    private readonly open: () => ClaudeCodeConversation,
    files: readonly ClaudeCodeAgentFile[],
  ) {
    this.#withFile = new Set(files.map((file) => file.agentId));
    for (const { agentId, file, meta } of files) {
      this.#agents.set(agentId, { id: agentId, conversation: this.open(), file, meta });
    }
  }

  hasOwnFile(agentId: string | undefined): boolean {
    return agentId !== undefined && this.#withFile.has(agentId);
  }

  ownFile(agentId: string): ClaudeCodeConversation {
    return this.#named(agentId).conversation;
  }

  /** A sub-agent that another's file tells of while it runs. */
  inProgress(
    agentId: string,
    toolCallId: string | undefined,
    parent: ClaudeCodeConversation,
  ): ClaudeCodeConversation {
    const agent = this.#named(agentId);
    agent.parent ??= parent;
    agent.toolCallId ??= toolCallId;
    return agent.conversation;
  }

  /** A sub-agent that is known by nothing but the call that started it. */
  startedBy(toolCallId: string, parent: ClaudeCodeConversation): ClaudeCodeConversation {
    return this.inProgress(`of-${toolCallId}`, toolCallId, parent);
  }

  /** A side chain in a main file: named by its agent or else by its first line. */
  sidechain(record: JsonRecord, parent: ClaudeCodeConversation): ClaudeCodeConversation {
    const uuid = textAt(record, 'uuid') ?? '';
    const agentId = textAt(record, 'agentId');
    const above = this.#chains.get(textAt(record, 'parentUuid') ?? '');
    const agent = agentId === undefined ? (above ?? this.#named(`sidechain-${uuid}`)) : this.#named(agentId);
    agent.parent ??= parent;
    if (uuid !== '') this.#chains.set(uuid, agent);
    return agent.conversation;
  }

  /** The sub-agents as sessions, each after its parent. */
  sessions(context: {
    readonly mainId: string;
    readonly main: ClaudeCodeConversation;
    readonly mainFile: string | undefined;
  }): TranscriptSession[] {
    const starts = this.#starts(context.main);
    const ids = new UniqueIds();
    ids.take(context.mainId);
    const named = new Map([...this.#agents.values()].map((agent) => [agent, ids.take(agent.id)]));
    const idOf = new Map([...named].map(([agent, id]) => [agent.conversation, id]));
    idOf.set(context.main, context.mainId);
    for (const agent of this.#agents.values()) this.#findParent(agent, starts, context.main);
    const withLines = this.#inOrder(context.main).filter(({ conversation }) => !conversation.isEmpty);
    return withLines.map((agent): TranscriptSession => {
      const { conversation, toolCallId } = agent;
      const sessionId = named.get(agent) ?? agent.id;
      const described = titleIn(agent.meta) ?? descriptionOf(starts.byCall.get(toolCallId ?? '')?.call);
      const file = agent.file?.name ?? context.mainFile;
      return {
        agent: 'claude-code',
        ...(file !== undefined && { file }),
        sessionId,
        parent: {
          sessionId: idOf.get(agent.parent ?? context.main) ?? context.mainId,
          ...(toolCallId !== undefined && { toolCallId: safeId(toolCallId) }),
        },
        title: (described && titleOf(described)) || conversation.title() || sessionId,
        ...conversation.session(),
      };
    });
  }

  #named(agentId: string): SubAgent {
    const known = this.#agents.get(agentId);
    if (known) return known;
    const agent: SubAgent = { id: agentId, conversation: this.open() };
    this.#agents.set(agentId, agent);
    return agent;
  }

  #starts(main: ClaudeCodeConversation): Starts {
    const starts = new Starts();
    for (const conversation of [main, ...[...this.#agents.values()].map((agent) => agent.conversation)]) {
      starts.read(conversation);
    }
    return starts;
  }

  #findParent(agent: SubAgent, starts: Starts, main: ClaudeCodeConversation): void {
    const told = starts.byAgent.get(agent.id);
    const found =
      told ?? (agent.toolCallId === undefined ? starts.takeByPrompt(agent.conversation) : undefined);
    if (found && found.by !== agent.conversation) {
      agent.parent = found.by;
      agent.toolCallId = found.toolCallId;
    }
    agent.parent ??= main;
  }

  /** Parents first, then by time. Sub-agents that claim to have started each other are given to the main session. */
  #inOrder(main: ClaudeCodeConversation): SubAgent[] {
    const children = new Map<ClaudeCodeConversation, SubAgent[]>();
    for (const agent of byStart([...this.#agents.values()]).reverse()) {
      const parent = agent.parent ?? main;
      const siblings = children.get(parent);
      if (siblings) siblings.push(agent);
      else children.set(parent, [agent]);
    }
    const ordered = new Set<SubAgent>();
    const follow = (parent: ClaudeCodeConversation): void => {
      const waiting = [...(children.get(parent) ?? [])];
      for (let agent = waiting.pop(); agent; agent = waiting.pop()) {
        if (ordered.has(agent)) continue;
        ordered.add(agent);
        for (const child of children.get(agent.conversation) ?? []) waiting.push(child);
      }
    };
    follow(main);
    for (const agent of this.#agents.values()) {
      if (ordered.has(agent)) continue;
      agent.parent = main;
      agent.toolCallId = undefined;
      ordered.add(agent);
      follow(agent.conversation);
    }
    return [...ordered];
  }
}

const byStart = (agents: SubAgent[]): SubAgent[] => {
  const startOf = ({ conversation }: SubAgent): string => conversation.startedAt ?? '~';
  return agents.sort((one, other) =>
    startOf(one) < startOf(other) ? -1 : Number(startOf(one) > startOf(other)),
  );
};

/** The calls that started sub-agents, by what is known of them. */
class Starts {
  readonly byAgent = new Map<string, Start>();
  readonly byCall = new Map<string, Start>();
  readonly #byPrompt = new Map<string, Start[]>();

  read(conversation: ClaudeCodeConversation): void {
    const agentOf = new Map(
      [...conversation.startedAgents].map(([agentId, toolCallId]) => [toolCallId, agentId]),
    );
    for (const call of conversation.calls()) {
      const start: Start = { by: conversation, call, toolCallId: call.id };
      this.byCall.set(call.id, start);
      const prompt = isRecord(call.input) ? textAt(call.input, 'prompt') : undefined;
      if (prompt === undefined || agentOf.has(call.id)) continue;
      const starts = this.#byPrompt.get(prompt);
      if (starts) starts.push(start);
      else this.#byPrompt.set(prompt, [start]);
    }
    for (const [agentId, toolCallId] of conversation.startedAgents) {
      if (!this.byAgent.has(agentId)) {
        this.byAgent.set(agentId, { by: conversation, call: this.byCall.get(toolCallId)?.call, toolCallId });
      }
    }
  }

  /** The next call that gave the prompt which the conversation begins with. */
  takeByPrompt(conversation: ClaudeCodeConversation): Start | undefined {
    const { firstPrompt } = conversation.facts;
    return firstPrompt === undefined ? undefined : this.#byPrompt.get(firstPrompt)?.shift();
  }
}

const descriptionOf = (call: ToolCallEntry | undefined): string | undefined =>
  call && isRecord(call.input) ? textAt(call.input, 'description') : undefined;

/** The description that `agent-<id>.meta.json` gives a sub-agent's work. */
function titleIn(meta: TranscriptFile | undefined): string | undefined {
  const value = meta && parseJson(Buffer.from(meta.bytes).toString('utf8'));
  return isRecord(value) ? (textAt(value, 'description') ?? textAt(value, 'title')) : undefined;
}
