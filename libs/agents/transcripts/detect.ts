import { safeId } from './entry-names.js';
import { isRecord, isTrueAt, parseJson, recordAt, textAt } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { readLines } from './line-reader.js';
import { parentThreadOf } from './codex-line.js';

/** What a file is, told from its content. `parentId`: the conversation that a sub-agent's file belongs to. */
export type Detected =
  | {
      readonly format: 'claude-code';
      readonly sessionId?: string | undefined;
      readonly agentId?: string | undefined;
    }
  | {
      readonly format: 'codex';
      readonly sessionId?: string | undefined;
      readonly parentId?: string | undefined;
    }
  | { readonly format: 'gemini-cli'; readonly sessionId?: string | undefined; readonly isSubAgent: boolean }
  | { readonly format: 'none'; readonly reason: string };

const SUPPORTED = 'supported are Claude Code, Codex and Gemini CLI';
const MAX_LINES = 500;
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024;

const none = (reason: string): Detected => ({ format: 'none', reason });
const unsupported = (what: string): Detected => none(`${what}: not supported (${SUPPORTED})`);

/** Tells the format of a transcript from its first lines, or says why it has none that can be read. */
export function detect(bytes: Uint8Array): Detected {
  if (bytes.length === 0) return none('the file is empty');
  let claude: Detected | undefined;
  let records = 0;
  let lines = 0;
  for (const line of readLines(bytes)) {
    lines += 1;
    if (lines > MAX_LINES) break;
    if (line.kind === 'invalid' && records === 0) {
      const document = documentIn(bytes);
      if (document) return document;
    }
    if (line.kind !== 'record') continue;
    records += 1;
    const found = ofRecord(line.value);
    if (!found) continue;
    // The first lines of Claude Code don't always name the session.
    if (found.format !== 'claude-code' || found.sessionId !== undefined) return found;
    claude ??= found;
  }
  if (claude) return claude;
  if (records > 0) return none(`no transcript format that is known (${SUPPORTED})`);
  return none(bytes.subarray(0, 4096).includes(0) ? 'not a text file' : 'no line of it is a JSON object');
}

const ofRecord = (record: JsonRecord): Detected | undefined =>
  ofCodex(record) ?? ofGemini(record) ?? ofClaudeCode(record) ?? ofOthers(record);

const CLAUDE_CODE_LINES = new Set(['user', 'assistant', 'system', 'progress', 'attachment']);

/** Lines that no other agent writes, though they name no session. */
const CLAUDE_CODE_ONLY = new Set([
  'agent-name',
  'ai-title',
  'custom-title',
  'file-history-snapshot',
  'last-prompt',
  'permission-mode',
  'pr-link',
  'queue-operation',
  'summary',
]);

function ofClaudeCode(record: JsonRecord): Detected | undefined {
  const type = textAt(record, 'type') ?? '';
  const sessionId = textAt(record, 'sessionId') ?? textAt(record, 'session_id');
  const isMessage =
    CLAUDE_CODE_LINES.has(type) && (sessionId !== undefined || textAt(record, 'uuid') !== undefined);
  if (!isMessage && !CLAUDE_CODE_ONLY.has(type)) return undefined;
  if (!isMessage) return { format: 'claude-code' };
  const agentId = isTrueAt(record, 'isSidechain') ? textAt(record, 'agentId') : undefined;
  return { format: 'claude-code', sessionId: sessionId && safeId(sessionId), agentId };
}

const CODEX_LINES = new Set(['session_meta', 'turn_context', 'response_item', 'event_msg', 'compacted']);

function ofCodex(record: JsonRecord): Detected | undefined {
  const payload = recordAt(record, 'payload');
  const isFirst =
    textAt(record, 'type') === undefined && 'instructions' in record && textAt(record, 'id') !== undefined;
  if (isFirst) return { format: 'codex', sessionId: safeId(textAt(record, 'id') ?? '') };
  if (!payload || !CODEX_LINES.has(textAt(record, 'type') ?? '')) return undefined;
  const id = textAt(payload, 'id') ?? textAt(payload, 'session_id');
  if (textAt(record, 'type') !== 'session_meta') return { format: 'codex' };
  return { format: 'codex', sessionId: id && safeId(id), parentId: parentThreadOf(payload) };
}

function ofGemini(record: JsonRecord): Detected | undefined {
  const sessionId = textAt(record, 'sessionId');
  const isHead = sessionId !== undefined && textAt(record, 'projectHash') !== undefined;
  const isLine =
    textAt(record, 'type') === 'gemini' || recordAt(record, '$set') || textAt(record, '$rewindTo');
  if (isHead)
    return { format: 'gemini-cli', sessionId: safeId(sessionId), isSubAgent: record['kind'] === 'subagent' };
  return isLine ? { format: 'gemini-cli', isSubAgent: false } : undefined;
}

function ofOthers(record: JsonRecord): Detected | undefined {
  const type = textAt(record, 'type');
  if (type === 'session' && textAt(record, 'id') !== undefined) return unsupported('a session of pi');
  if (type === 'thread.started')
    return unsupported('the output of `codex exec --json` (its rollout file is)');
  if ('trajectory' in record || 'history' in record) return unsupported('a trajectory of SWE-agent');
  if (textAt(record, 'schema_version')?.startsWith('ATIF')) return unsupported('an ATIF trajectory');
  if ('info' in record && 'messages' in record) return unsupported('a session of opencode');
  return undefined;
}

/** A file that is one JSON document over several lines. */
function documentIn(bytes: Uint8Array): Detected | undefined {
  if (bytes.length > MAX_DOCUMENT_BYTES) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trimStart();
  if (text.startsWith('[')) return unsupported('a JSON list');
  const value = text.startsWith('{') ? parseJson(text) : undefined;
  if (!isRecord(value)) return undefined;
  if (Array.isArray(value['messages'])) {
    const gemini = ofGemini(value);
    if (gemini) return gemini;
  }
  return ofOthers(value) ?? none(`one JSON document of no format that is known (${SUPPORTED})`);
}
