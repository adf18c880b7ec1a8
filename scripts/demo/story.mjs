// What the demo tells, step by step. Every step is a command that it shows, and what the command prints.
import { writeFileSync } from 'node:fs';
import { RECORDINGS, REPOSITORY } from './recordings.mjs';

/** Enough of an id to name it by. */
const short = (id) => id.slice(0, 8);

/** @param stage see stage.mjs. */
export async function tellStory(stage) {
  for (const [name, text] of Object.entries(RECORDINGS)) writeFileSync(stage.path(name), text);
  const repository = stage.repository(REPOSITORY);

  await stage.tell('A server with a home of its own.');
  const url = await stage.server();
  stage.export('MAKIMA_HOME', stage.path('home'));

  await stage.tell('A daemon is a machine on which agents run. Here it is another process.');
  const killFirst = await stage.daemon('first');
  await stage.makima('daemon', 'list');

  await stage.tell('A contract is a piece of work: here on a small repository.');
  const created = await stage.makima(
    'contract',
    'create',
    '--name',
    'A friendly greeter',
    '--repository',
    repository,
  );
  stage.export('MAKIMA_CONTRACT_ID', /MAKIMA_CONTRACT_ID=([0-9a-f-]{36})/.exec(created)[1]);

  const tasks = await workIsDone(stage);
  await aDaemonIsKilled(stage, killFirst, tasks.translations);
  await codeGoesBackAndForth(stage, tasks.greeting);
  await anotherWay(stage, tasks.greeting);

  await stage.tell('All of it is on record, and nobody has changed the record.');
  const types = 'task_leased,task_lease_ended,task_forked,conversation_rewound,rewind_undone';
  await stage.makima('contract', 'history', '--event-types', types);
  await stage.makima('audit', 'verify');
  return { url, ...tasks };
}

/** A task is named by what the command that made it says last. */
const taskIn = (text) => short(/task\s+([0-9a-f-]{36})\s+(?:is|waits)/.exec(text)[1]);

async function workIsDone(stage) {
  await stage.tell(
    'Its supervisor plans. Agents are played from recordings here: no model is asked, but every edit is made.',
  );
  const supervisor = taskIn(
    await stage.makima('contract', 'start', '--recording', stage.path('plan.jsonl'), '--follow'),
  );
  const newTask = (name, plan, ...more) =>
    stage.makima('task', 'run', '--name', name, '--plan', plan, '--parent', supervisor, ...more);

  await stage.tell('A first task. After each turn that changed files there is a checkpoint.');
  const recording = stage.path('greeting.jsonl');
  const greeting = taskIn(
    await newTask(
      'Greeting',
      'Greet people by their name',
      '--recording',
      recording,
      '--speed',
      '4',
      '--follow',
    ),
  );

  await stage.tell('A second one: an agent can be any program.');
  const line = 'echo "Run it: node cli.mjs <name>" >> README.md; echo documented';
  await newTask('Docs', 'Say how it is used', '--command', line, '--follow');

  await untilSafe(stage, greeting);
  await stage.tell('What happened to the code, and in the second checkpoint line by line.');
  await stage.makima('task', 'checkpoints', greeting);
  await stage.makima('task', 'checkpoint-diff', greeting, '2');

  await stage.tell('A third one takes longer. Nobody watches it.');
  const translations = taskIn(
    await newTask('Translations', 'In five languages', '--', 'node', 'translate.mjs'),
  );
  return { supervisor, greeting, translations };
}

/** The whole id of a task, and how it stands. */
async function standing({ api }, id) {
  const { tasks } = await api.tasks.list({ limit: 100 });
  return tasks.find((task) => task.id.startsWith(id));
}

/** Waits until a task has checkpoints, and the code of all of them is on the server. */
const untilSafe = (stage, id) =>
  stage.until('the code of the checkpoints is on the server', async () => {
    const { checkpoints } = await stage.api.tasks.checkpoints((await standing(stage, id)).id);
    return checkpoints.length > 0 && checkpoints.every(({ isSafe }) => isSafe);
  });

async function aDaemonIsKilled(stage, kill, translations) {
  await untilSafe(stage, translations);
  await stage.tell('Half of it is done, and a checkpoint of it is on the server. Now its daemon is killed.');
  await kill();
  await stage.until(
    'the task is interrupted',
    async () => (await standing(stage, translations)).status === 'interrupted',
  );
  await stage.makima('daemon', 'list');
  await stage.makima('task', 'list');

  await stage.tell('A second daemon, whose disk has never seen the task, goes on from the checkpoint.');
  await stage.daemon('second');
  await stage.makima('task', 'resume', translations);
  await stage.makima('task', 'follow', translations);

  await stage.tell('The first one comes back. It has the folder of the first task.');
  await stage.daemon('first');
}

async function codeGoesBackAndForth(stage, greeting) {
  const { id } = await standing(stage, greeting);
  const file = stage.path('first', 'daemon', 'tasks', id, 'folder', 'greet.mjs');
  await stage.tell('That greeting is too loud.');
  stage.cat(file);

  await stage.tell('What would it be to go back to the first checkpoint, with code and conversation?');
  const back = ['task', 'rewind', greeting, '--checkpoint', '1', '--scope', 'both'];
  await stage.makima(...back, '--dry-run');

  await stage.tell('Go back. What is there is kept, under a name of its own, too.');
  await stage.makima(...back, '--preserve-branch', 'loud', '--reason', 'too loud');
  stage.cat(file);
  await stage.makima('task', 'history', greeting);

  await stage.tell('And forward again: nothing was lost.');
  await stage.makima('undo', greeting);
  stage.cat(file);
}

async function anotherWay(stage, greeting) {
  await stage.tell('Another way from the same checkpoint, beside the first one: a fork.');
  const forked = await stage.makima(
    ...['task', 'fork', greeting, '--checkpoint', '1', '--name', 'Greeting, quieter'],
    ...['--plan', 'Happier without shouting'],
  );
  const fork = short(/into\s+([0-9a-f-]{36})/.exec(forked)[1]);
  await stage.makima('task', 'start', fork, '--recording', stage.path('quieter.jsonl'), '--follow');

  await untilSafe(stage, fork);

  await stage.tell('How the two ways differ: what each did since they parted, and every line.');
  const compared = await stage.makima('task', 'compare', greeting, fork);
  const [, of, number, other] = /checkpoint-diff (\S+) (\d+) --against\s+([0-9a-f-]{36})/.exec(compared);
  await stage.makima('task', 'checkpoint-diff', short(of), number, '--against', other);
}
