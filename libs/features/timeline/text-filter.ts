import { sql, type Sql } from '#libs/database/sql.js';
import { escapeText } from '#libs/database/text-escape.js';
import { formerAt } from '../conversation/former-messages.queries.js';
import { hashesOf } from './text-signature.js';

// Which entries hold a text, in any case: in a message, its thinking, its tool calls' names and inputs, a result, or in
// the data of another entry. In JSON the texts are meant, not the names of fields and not how JSON writes a character.
// The signatures rule most entries out; what is left is looked at. What both look into must be the same: entry-texts.ts.

/** How read models write a NUL, a half of a surrogate pair, or this character itself: with four hex digits after it. */
const MARK = '\uE000';

/**
 * Whether an entry `e`, whose message was amended as `a` says if at all, can have held a text at a position (null: can
 * hold it now). Of what was amended since, the signature is not kept: it is looked at.
 */
export function mayHold(text: string, at: bigint | null): Sql {
  const signature = sql`coalesce(a.signature, e.signature)`;
  const tests = hashesOf(text).map(
    (hash) => sql`get_bit(${signature}, ${hash}::int % (octet_length(${signature}) * 8)) = 1`,
  );
  const all = tests.reduce<Sql>((some, test) => sql`${some} AND ${test}`, sql`true`);
  return at === null ? all : sql`(a.position > ${at} IS TRUE OR ${all})`;
}

/** Whether an entry `e` held a text at a position (null: holds it now). */
export function holds(text: string, at: bigint | null): Sql {
  const present = sql`EXISTS (SELECT FROM messages m WHERE m.task_id = e.task_id AND m.seq = e.seq AND ${said(text)})`;
  return sql`(${inJson(sql`e.data`, sql`e.data::jsonb`, text)}
  OR ${
    at === null
      ? present
      : sql`coalesce((SELECT ${said(text)} FROM ${formerAt(at, sql`e.task_id`, sql`e.seq`)} m), ${present})`
  }
  OR EXISTS (SELECT FROM chat_messages c WHERE c.chat_id = e.chat_id AND c.version = e.seq
    AND (${inText(sql`c.content`, text)} OR ${inJson(sql`c.tool_calls`, sql`c.tool_calls::jsonb`, text)}
      OR ${inJson(sql`c.questions`, sql`c.questions::jsonb`, text)})))`;
}

/** Whether a message `m` says a text; never null. */
const said = (
  text: string,
): Sql => sql`(${inText(sql`m.content`, text)} OR ${inText(sql`m.tool_name`, text)} IS TRUE
  OR ${inJson(sql`m.tool_calls`, sql`m.tool_calls::jsonb`, text)}
  OR ${inJson(sql`m.extra`, sql`(m.extra::jsonb -> 'thinking')`, text)})`;

/** What an escaped character consists of is not text: a search that begins with a hex digit could start within one. */
function inText(column: Sql, text: string): Sql {
  const escaped = escapeText(text);
  const found = sql`${column} ${like(escaped)}`;
  if (escaped.includes(MARK) || !/^[0-9a-f]/i.test(escaped)) return found;
  const bare = sql`regexp_replace(${column}, ${`${MARK}[0-9a-f]{4}`}, ${MARK}, 'g')`;
  return sql`(${found} AND (strpos(${column}, ${MARK}) = 0 OR ${bare} ${like(escaped)}))`;
}

/**
 * Reading JSON costs more than looking through it, so it is read only where the text stands as JSON would write it (and
 * not where there is none: after NULL, AND asks on).
 */
function inJson(column: Sql, value: Sql, text: string): Sql {
  const written = JSON.stringify(escapeText(text)).slice(1, -1);
  return sql`(${column} ${like(written)} IS TRUE AND EXISTS (
    SELECT FROM jsonb_path_query(${value}, 'strict $.** ? (@.type() == "string")') AS inner_text (value)
    WHERE ${inText(sql`(inner_text.value #>> '{}')`, text)}))`;
}

/** ASCII folds the same in every collation, and in C several times faster (docs/adr/0011-text-search.md). */
function like(text: string): Sql {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  const ascii = Buffer.byteLength(text) === text.length;
  return ascii ? sql`COLLATE "C" ILIKE ${pattern}` : sql`ILIKE ${pattern}`;
}
