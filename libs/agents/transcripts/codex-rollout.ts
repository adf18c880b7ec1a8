import { contentOf, outputOf, senderOf, thoughtsOf } from './codex-content.js';
import { callOf, originOf, parentThreadOf, rolloutLine } from './codex-line.js';
import type { RolloutLine } from './codex-line.js';
import { filesOfCodexCall, filesOfPatchEvent } from './codex-patches.js';
import { EntryLog, imageOf, usageOf } from './entry-log.js';
import type { MessageDraft, ResultDraft } from './entry-log.js';
import { safeId, titleOf } from './entry-names.js';
import { countAt, isTooDeep, numberAt, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { imported, raw, skipped } from './line-account.js';
import type { Fate, LineAccount } from './line-account.js';
import type { RecordLine } from './line-reader.js';
import type { FileChangeEntry, TranscriptSession } from './transcript.js';

/** What events tell of a call's result, often before the result itself is written. */
interface CallFacts {
  files?: readonly FileChangeEntry[];
  isError?: boolean;
}

/** Events that say again what a response item says. */
const REPEATING_EVENTS = new Set([
  'agent_message',
  'agent_reasoning',
  'agent_reasoning_raw_content',
  'context_compacted',
  'image_generation_end',
  'mcp_tool_call_end',
  'user_message',
  'web_search_end',
]);

const TURN_EVENTS = new Set(['task_started', 'turn_started', 'task_complete', 'turn_complete']);

/** One rollout file of Codex, line by line. */
export class CodexRollout {
  readonly #log = new EntryLog();
  readonly #facts = new Map<string, CallFacts>();
  /** The response that is being read: its items are lines of their own. */
  #open: MessageDraft | undefined;
  #lastResponse: MessageDraft | undefined;
  #lastId: string | null = null;
  /** For each prompt that still holds: the last entry before it. */
  readonly #turns: (string | null)[] = [];
  #meta: JsonRecord | undefined;
  #firstContext: JsonRecord | undefined;
  #context: JsonRecord | undefined;
  #totalTokens: number | undefined;
  #firstPrompt: string | undefined;
  #name: string | undefined;

  constructor(private readonly account: LineAccount) {}

  add(line: RecordLine): Fate {
    const rollout = rolloutLine(line);
    switch (rollout.type) {
      case 'session_meta':
        this.#meta ??= rollout.payload;
        return this.#raw(rollout, rollout.type);
      case 'turn_context':
        this.#open = undefined;
        this.#context = rollout.payload;
        this.#firstContext ??= rollout.payload;
        return this.#raw(rollout, rollout.type);
      case 'response_item':
        return this.#item(rollout);
      case 'event_msg':
        return this.#event(rollout);
      case 'compacted':
        return this.#compacted(rollout);
      default:
        return this.#raw(rollout, rollout.type);
    }
  }

  get sessionId(): string | undefined {
    const id = textAt(this.#meta, 'id') ?? textAt(this.#meta, 'session_id');
    return id === undefined ? undefined : safeId(id);
  }

  /** The thread that started this one as a sub-agent. */
  get parentId(): string | undefined {
    return parentThreadOf(this.#meta);
  }

  session(file: string, sessionId: string): TranscriptSession {
    const cwd = textAt(this.#meta, 'cwd') ?? textAt(this.#firstContext, 'cwd');
    const gitBranch = textAt(recordAt(this.#meta, 'git'), 'branch');
    const agentVersion = textAt(this.#meta, 'cli_version');
    const model = textAt(this.#firstContext, 'model');
    const source = textAt(this.#meta, 'forked_from_id');
    const parent = this.parentId;
    const { startedAt, endedAt } = this.#log;
    return {
      agent: 'codex',
      file,
      sessionId,
      title: titleOf(this.#name ?? this.#firstPrompt ?? '') || sessionId,
      ...(parent !== undefined && { parent: { sessionId: parent } }),
      ...(startedAt !== undefined && { startedAt }),
      ...(endedAt !== undefined && { endedAt }),
      ...(cwd !== undefined && { cwd }),
      ...(gitBranch !== undefined && { gitBranch }),
      ...(agentVersion !== undefined && { agentVersion }),
      ...(model !== undefined && { model }),
      ...(source !== undefined && { forkedFrom: { sessionId: safeId(source) } }),
      entries: this.#log.close(this.account, filesOfCodexCall),
      importedLines: this.#log.lines,
    };
  }

  #item(rollout: RolloutLine): Fate {
    const { payload } = rollout;
    const type = textAt(payload, 'type') ?? '';
    if (type === 'message') return this.#message(rollout);
    if (type === 'reasoning') return this.#reasoning(rollout);
    if (type.endsWith('_call')) return this.#call(rollout, type);
    const callId = textAt(payload, 'call_id');
    if (type.endsWith('_output') && callId !== undefined) return this.#output(rollout, safeId(callId));
    return this.#raw(rollout, `response_item:${type}`);
  }

  #message(rollout: RolloutLine): Fate {
    const { texts, images } = contentOf(rollout.payload['content']);
    const role = textAt(rollout.payload, 'role');
    if (role === 'developer' || role === 'system') return skipped('injected_context');
    if (texts.length === 0 && images.length === 0) return this.#raw(rollout, 'response_item:message');
    if (role !== 'user') {
      const draft = this.#response(rollout);
      draft.texts.push(...texts);
      draft.pictures.push(...images);
      return imported(this.#log);
    }
    const said = texts.filter((text) => senderOf(text) !== 'context');
    if (said.length === 0 && images.length === 0) return skipped('injected_context');
    this.#open = undefined;
    const isPrompt = images.length > 0 || said.some((text) => senderOf(text) === 'human');
    if (isPrompt) this.#turns.push(this.#lastId);
    const draft = this.#log.message(originOf(rollout), 'user');
    draft.texts.push(...said);
    draft.pictures.push(...images);
    if (!isPrompt) draft.origin = 'meta';
    else if (this.parentId === undefined) draft.origin = 'human';
    if (isPrompt) this.#firstPrompt ??= said.join(' ') || undefined;
    this.#lastId = draft.sourceId;
    return imported(this.#log);
  }

  #reasoning(rollout: RolloutLine): Fate {
    const thoughts = thoughtsOf(rollout.payload);
    if (thoughts.length === 0) return skipped('sealed_thinking');
    this.#response(rollout).thoughts.push(...thoughts);
    return imported(this.#log);
  }

  #call(rollout: RolloutLine, type: string): Fate {
    const { payload } = rollout;
    if (isTooDeep(payload)) return this.#raw(rollout, `response_item:${type}`);
    const call = callOf(rollout, type);
    const isAnswered = textAt(payload, 'call_id') !== undefined;
    if (isAnswered && !this.#log.call(call)) return skipped('repeated');
    const draft = this.#response(rollout);
    draft.calls.push(call);
    const picture =
      type === 'image_generation_call' ? imageOf('image/png', textAt(payload, 'result')) : undefined;
    if (picture) draft.pictures.push(picture);
    return imported(this.#log);
  }

  #output(rollout: RolloutLine, callId: string): Fate {
    this.#open = undefined;
    if (this.#log.resultOf(callId)) return skipped('repeated');
    const { payload } = rollout;
    const { texts, images, isError } = outputOf(payload['output'] ?? payload['tools'] ?? '');
    const origin = { ...originOf(rollout), id: `result-${callId}` };
    const draft = this.#log.result(origin, callId, texts.join('\n'), isError);
    if (images.length > 0) draft.images = images;
    applyFacts(draft, this.#facts.get(callId) ?? {});
    this.#lastId = draft.sourceId;
    return imported(this.#log);
  }

  #event(rollout: RolloutLine): Fate {
    const { payload } = rollout;
    const type = textAt(payload, 'type') ?? '';
    if (REPEATING_EVENTS.has(type)) return skipped(`event:${type}`);
    if (TURN_EVENTS.has(type)) {
      this.#open = undefined;
      return skipped(`event:${type}`);
    }
    switch (type) {
      case 'token_count':
        return this.#usage(payload);
      case 'patch_apply_end':
      case 'exec_command_end':
        return this.#callFacts(rollout, type);
      case 'thread_rolled_back':
        return this.#rolledBack(rollout);
      case 'turn_aborted':
        return this.#notice(rollout, `Turn interrupted${because(textAt(payload, 'reason'))}`, 'notice');
      case 'error':
      case 'stream_error':
        return this.#notice(rollout, textAt(payload, 'message') ?? 'Error', 'error');
      case 'thread_name_updated':
        this.#name = textAt(payload, 'thread_name') ?? this.#name;
        return this.#raw(rollout, `event_msg:${type}`);
      default:
        return this.#raw(rollout, `event_msg:${type}`);
    }
  }

  /** Comes once for each response, and again whenever limits change: then the total is the same. */
  #usage(payload: JsonRecord): Fate {
    const info = recordAt(payload, 'info');
    const total = countAt(recordAt(info, 'total_token_usage'), 'total_tokens');
    const last = recordAt(info, 'last_token_usage');
    const response = this.#lastResponse;
    this.#open = undefined;
    if (!last || !response || response.usage || (total !== undefined && total === this.#totalTokens)) {
      return skipped('event:token_count');
    }
    this.#totalTokens = total;
    const cached = countAt(last, 'cached_input_tokens') ?? 0;
    const input = Math.max(0, (countAt(last, 'input_tokens') ?? 0) - cached);
    const usage = usageOf({ input, output: countAt(last, 'output_tokens'), cacheRead: cached });
    if (usage) response.usage = usage;
    return imported(this.#log);
  }

  #callFacts(rollout: RolloutLine, type: string): Fate {
    const { payload } = rollout;
    const id = textAt(payload, 'call_id');
    if (id === undefined) return this.#raw(rollout, `event_msg:${type}`);
    const facts = this.#facts.get(safeId(id)) ?? {};
    const changes = recordAt(payload, 'changes');
    if (changes && payload['success'] === true) facts.files = filesOfPatchEvent(changes);
    if (payload['success'] === false || (numberAt(payload, 'exit_code') ?? 0) !== 0) facts.isError = true;
    this.#facts.set(safeId(id), facts);
    const result = this.#log.resultOf(safeId(id));
    if (result) applyFacts(result, facts);
    this.#log.goesOnUntil(rollout.time);
    return imported(this.#log);
  }

  /** Takes back the last turns of a person. Files are as they were: Codex does not take them back. */
  #rolledBack(rollout: RolloutLine): Fate {
    const turns = Math.trunc(numberAt(rollout.payload, 'num_turns') ?? 0);
    if (turns < 1 || this.#turns.length === 0) return this.#raw(rollout, 'event_msg:thread_rolled_back');
    const keepUpTo = this.#turns.splice(Math.max(0, this.#turns.length - turns))[0] ?? null;
    this.#log.rewind(originOf(rollout), keepUpTo);
    this.#open = undefined;
    this.#lastResponse = undefined;
    this.#lastId = keepUpTo;
    return imported(this.#log);
  }

  #compacted(rollout: RolloutLine): Fate {
    this.#open = undefined;
    const text =
      textAt(rollout.payload, 'message') || 'Conversation compacted; the summary is sealed by the provider';
    this.#lastId = this.#log.notice(originOf(rollout), text, 'compaction').sourceId;
    return imported(this.#log);
  }

  #notice(rollout: RolloutLine, text: string, kind: 'notice' | 'error'): Fate {
    this.#open = undefined;
    this.#lastId = this.#log.notice(originOf(rollout), text, kind).sourceId;
    return imported(this.#log);
  }

  #response(rollout: RolloutLine): MessageDraft {
    if (this.#open) return this.#open;
    const draft = this.#log.message(originOf(rollout), 'assistant');
    const model = textAt(this.#context, 'model');
    if (model !== undefined) draft.model = model;
    this.#open = draft;
    this.#lastResponse = draft;
    this.#lastId = draft.sourceId;
    return draft;
  }

  #raw({ line, time }: RolloutLine, type: string): Fate {
    this.#log.raw(line, type, undefined, time);
    return raw(type);
  }
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (${reason})`);

function applyFacts(result: ResultDraft, { files, isError }: CallFacts): void {
  if (isError) result.isError = true;
  if (files && files.length > 0 && !result.isError) result.files = files;
}
