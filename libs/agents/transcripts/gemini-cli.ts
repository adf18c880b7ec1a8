import { fingerprint } from './entry-names.js';
import { GeminiCliChat } from './gemini-cli-chat.js';
import { isRecord, jsonText, listAt, parseJson } from './json-fields.js';
import type { JsonRecord } from './json-fields.js';
import { LineAccount } from './line-account.js';
import { readLines } from './line-reader.js';
import type { Transcript, TranscriptFile, TranscriptSession } from './transcript.js';

/** The files of a Gemini CLI chat: `chats/session-….jsonl` (older: `.json`) and `chats/<session>/<sub-agent>.jsonl`. */
export interface GeminiCliFiles {
  readonly main?: TranscriptFile;
  readonly agents: readonly TranscriptFile[];
  /** The parent of the sub-agents, where there is no main file. */
  readonly mainId?: string;
}

/** Reads a chat of Gemini CLI in either of its formats. Never throws because of what a file holds. */
export function parseGeminiCli(files: GeminiCliFiles): Transcript {
  const account = new LineAccount();
  const main = files.main && readChat(files.main, account);
  const mainId = main?.sessionId ?? files.mainId ?? `chat-${fingerprint(files.main?.name ?? '')}`;
  if (!main) account.note('main_session_missing');
  const sessions: TranscriptSession[] = files.agents.map((file) => {
    const chat = readChat(file, account);
    const sessionId = chat.sessionId ?? `chat-${fingerprint(file.name)}`;
    const toolCallId = main?.startedAgents.get(sessionId);
    return chat.session(file.name, sessionId, {
      sessionId: mainId,
      ...(toolCallId !== undefined && { toolCallId }),
    });
  });
  const session = files.main && main?.session(files.main.name, mainId, undefined);
  return { sessions: session ? [session, ...sessions] : sessions, report: account.report() };
}

function readChat(file: TranscriptFile, account: LineAccount): GeminiCliChat {
  const chat = new GeminiCliChat(account);
  const { bytes } = file;
  const document = documentOf(bytes);
  if (document) readDocument(document, chat, account);
  else {
    for (const line of account.records(readLines(bytes), file.name)) {
      account.count(chat.add(line.value, { number: line.number, text: line.text }));
    }
  }
  return chat;
}

/** A document has no lines to count: its messages are counted instead, from 1. */
function readDocument(document: JsonRecord, chat: GeminiCliChat, account: LineAccount): void {
  chat.head(document);
  for (const [index, message] of (listAt(document, 'messages') ?? []).entries()) {
    const spot = { number: index + 1, text: jsonText(message) };
    account.count(chat.message(isRecord(message) ? message : {}, spot));
  }
}

/** The older format: the whole chat as one JSON document, over several lines. A chat of lines begins with an object. */
function documentOf(bytes: Uint8Array): JsonRecord | undefined {
  for (const line of readLines(bytes)) {
    if (line.kind === 'record') return undefined;
    if (line.kind === 'invalid') break;
  }
  const value = parseJson(textOf(bytes));
  return isRecord(value) && listAt(value, 'messages') && typeof value['sessionId'] === 'string'
    ? value
    : undefined;
}

/** The text without its byte order mark; empty when it is too long for one. */
function textOf(bytes: Uint8Array): string {
  try {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trimStart();
  } catch {
    return '';
  }
}
