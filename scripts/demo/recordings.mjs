// What the demo's agents do: recordings in the format of Claude Code, written for it, which the replay runner plays. No
// model is asked; the edits are really made.

/** The folder that the recordings speak of; a replay takes the task's own in its place. */
const FOLDER = '/greeter';
const START = Date.parse('2026-03-02T09:00:00.000Z');

/** A file that an agent writes, and a text in a file that it replaces. */
const write = (path, content) => ({ name: 'Write', input: { file_path: `${FOLDER}/${path}`, content } });
const edit = (path, before, after) => ({
  name: 'Edit',
  input: { file_path: `${FOLDER}/${path}`, old_string: before, new_string: after },
});

/**
 * A recording as JSON lines.
 * @param turns in each somebody may ask something; the agent does something and says something.
 */
function recording(sessionId, turns) {
  const lines = [];
  const add = (type, message) => {
    const number = lines.length;
    lines.push({
      type,
      uuid: `${sessionId.slice(0, 8)}-${number}`,
      parentUuid: number === 0 ? null : `${sessionId.slice(0, 8)}-${number - 1}`,
      sessionId,
      cwd: FOLDER,
      timestamp: new Date(START + number * 1_000).toISOString(),
      message,
    });
  };
  const says = (content) =>
    add('assistant', { id: `msg_${lines.length}`, role: 'assistant', model: 'recorded', content });
  for (const { asked, does = [], said } of turns) {
    if (asked) add('user', { role: 'user', content: asked });
    for (const call of does) {
      const id = `toolu_${lines.length}`;
      says([{ type: 'tool_use', id, ...call }]);
      add('user', {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: id, content: 'The file has been changed.' }],
      });
    }
    says([{ type: 'text', text: said }]);
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

const PLAN = `# Plan

1. Greeting: greet people by their name.
2. Docs: say how it is used.
3. Translations: greet in five languages.
`;

const GREET = `export const greet = (name) => \`Hello, \${name}.\`;
`;

/** Files of the demo's scratch folder, by name. */
export const RECORDINGS = {
  'plan.jsonl': recording('5d3a0001-0000-4000-8000-000000000001', [
    {
      asked: 'Make the greeter friendly. Split the work into tasks.',
      does: [write('PLAN.md', PLAN)],
      said: 'Three tasks: the greeting, its documentation, and translations. The plan is in PLAN.md.',
    },
  ]),
  'greeting.jsonl': recording('5d3a0002-0000-4000-8000-000000000002', [
    {
      asked: 'Greet people by their name.',
      does: [write('greet.mjs', GREET)],
      said: 'The greeting takes a name now.',
    },
    {
      asked: 'It should sound happier.',
      does: [edit('greet.mjs', 'Hello, ${name}.', 'HELLO, ${name.toUpperCase()}!!!')],
      said: 'It is loud and clear now.',
    },
    {
      asked: 'And it should be a program.',
      does: [
        write(
          'cli.mjs',
          "import { greet } from './greet.mjs';\n\nconsole.log(greet(process.argv[2] ?? 'you'));\n",
        ),
      ],
      said: 'node cli.mjs <name> greets.',
    },
  ]),
  'quieter.jsonl': recording('5d3a0003-0000-4000-8000-000000000003', [
    {
      asked: 'Make it happier without shouting.',
      does: [edit('greet.mjs', 'Hello, ${name}.', 'Hello, ${name}! Good to see you.')],
      said: 'Friendly, and still polite.',
    },
  ]),
};

/** A program that takes its time and, started again, goes on where it was: what the third task runs. */
const TRANSLATE = `import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const greetings = { de: 'Hallo', es: 'Hola', fr: 'Bonjour', it: 'Ciao', pt: 'Olá' };

mkdirSync('lang', { recursive: true });
for (const [language, greeting] of Object.entries(greetings)) {
  const file = \`lang/\${language}.json\`;
  if (existsSync(file)) console.log(\`\${file} is there already\`);
  else {
    await pause(1200);
    writeFileSync(file, JSON.stringify({ greeting }) + '\\n');
    console.log(\`\${file} written\`);
  }
}
`;

/** What is in the sample repository at first. */
export const REPOSITORY = {
  'README.md': '# Greeter\n\nGreets people.\n',
  'greet.mjs': "export const greet = () => 'Hello.';\n",
  'translate.mjs': TRANSLATE,
};
