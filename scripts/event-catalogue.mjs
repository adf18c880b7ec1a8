// Writes docs/events.md from the *.events.ts files: every stream, every event, every field with its comment.
// With --check says whether it is up to date (exit 1 if not).
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const FILE = 'docs/events.md';

function* eventFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* eventFiles(path);
    else if (entry.name.endsWith('.events.ts')) yield path;
  }
}

const clean = (text) =>
  text
    .replace(/^\/\*\*?|\*\/$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .trim()
    .replace(/\s+/g, ' ');
/** The comment right before a node. */
function commentOf(source, node) {
  const ranges = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [];
  const last = ranges.at(-1);
  return last && source.text.slice(last.pos, last.pos + 3) === '/**'
    ? clean(source.text.slice(last.pos, last.end))
    : '';
}
const flat = (text) =>
  text
    .replace(/\/\*\*[\s\S]*?\*\//g, '')
    .replace(/\breadonly /g, '')
    .replace(/\s+/g, ' ')
    .trim();

/** The members of a union of `{ type: 'X', data: … }`, in the order in which they stand. */
function eventsOf(source) {
  const events = [];
  const visit = (node, comment) => {
    if (ts.isUnionTypeNode(node)) return node.types.forEach((type) => visit(type, ''));
    if (!ts.isTypeLiteralNode(node)) return;
    const member = (name) =>
      node.members.find((m) => ts.isPropertySignature(m) && m.name.getText(source) === name);
    const type = member('type');
    const data = member('data');
    if (!type?.type || !data?.type || !ts.isLiteralTypeNode(type.type)) return;
    events.push({
      name: type.type.literal.text,
      data: data.type,
      comment: commentOf(source, type) || comment,
    });
  };
  source.statements
    .filter(ts.isTypeAliasDeclaration)
    .forEach((alias) => visit(alias.type, commentOf(source, alias)));
  return events;
}

function fieldsOf(source, data) {
  const rows = [];
  const visit = (node) => {
    if (ts.isTypeLiteralNode(node)) {
      for (const member of node.members) {
        const optional = member.questionToken ? ' (may be absent)' : '';
        rows.push(
          `| \`${member.name.getText(source)}\` | \`${flat(member.type.getText(source)).replaceAll('|', '\\|')}\` | ${commentOf(source, member)}${optional} |`,
        );
      }
    } else if (ts.isIntersectionTypeNode(node)) node.types.forEach(visit);
    else rows.push(`| … | \`${flat(node.getText(source)).replaceAll('|', '\\|')}\` | |`);
  };
  visit(data);
  return rows;
}

function shapesOf(source) {
  return source.statements.filter(ts.isInterfaceDeclaration).map((shape) => {
    const rows = shape.members.map(
      (m) =>
        `| \`${m.name.getText(source)}\` | \`${flat(m.type.getText(source)).replaceAll('|', '\\|')}\` | ${commentOf(source, m)}${m.questionToken ? ' (may be absent)' : ''} |`,
    );
    return `### ${shape.name.text}\n\n${[commentOf(source, shape), ''].filter((line, n) => n === 1 || line).join('\n\n')}| field | type | |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
}

const parts = [
  '# Event catalogue',
  '',
  'Generated from the `*.events.ts` files by `npm run generate`; do not edit. Every event also has metadata: actor, owner, `occurredAt` (the time at its source), command, trace. Ids are UUIDs, times ISO 8601 in UTC.',
  '',
];
for (const path of [...eventFiles('libs/features')].sort()) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const events = eventsOf(source);
  if (events.length === 0) continue;
  const opening = source.text.match(/^(?:\/\/.*\n)+/)?.[0] ?? '';
  parts.push(
    `## ${path.split('/').at(-1).replace('.events.ts', '')}`,
    '',
    opening.replace(/^\/\/ ?/gm, '').trim(),
    '',
  );
  for (const { name, data, comment } of events) {
    parts.push(`### ${name}`, '', ...(comment ? [comment, ''] : []));
    const fields = fieldsOf(source, data);
    if (fields.length > 0) parts.push('| field | type | |', '|---|---|---|', ...fields, '');
  }
  parts.push(...shapesOf(source));
}
const text = `${parts.join('\n').trim()}\n`;
if (process.argv.includes('--check')) {
  if (text !== readFileSync(FILE, 'utf8')) {
    console.error(`${FILE} is not what the code says; run: npm run generate`);
    process.exit(1);
  }
} else writeFileSync(FILE, text);
