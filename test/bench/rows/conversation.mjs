// Row 7: a conversation of 1,000 messages, read as people read it: over HTTP from a running server.
import { startApi } from '../makima/api.mjs';
import { Task } from '../makima/history.mjs';
import { openLoader, projected } from '../makima/load.mjs';
import { alternating, latencies } from '../measure.mjs';
import { langgraphThread } from '../peers/langgraph.mjs';
import { atLeast, atMost, goal, row } from '../report.mjs';
import { connect, disconnect } from '../server.mjs';
import { databaseBytes } from '../sizes.mjs';

export const ids = [7];

const MESSAGES = 1000;

const SELECT = {
  name: 'conversation',
  text: `SELECT task_id, seq, message_id, position, role, content, tool_calls, tool_call_id, tool_name, call_seq,
    call_task_id, is_error, token_count, cost_usd, origin, extra, has_blobs, occurred_at
    FROM messages WHERE task_id = $1 AND seq BETWEEN 1 AND ${MESSAGES} ORDER BY seq`,
};

function conversation() {
  const task = new Task('A conversation');
  const batches = [{ stream: task, events: task.created }];
  while (task.state.conversation.seq < MESSAGES) {
    const { seq } = task.state.conversation;
    const turn =
      seq === MESSAGES - 1 || seq % 10 === 0 ? task.message('user', { origin: 'human' }) : task.toolUse();
    batches.push({ stream: task, events: turn });
  }
  return { task, batches };
}

export async function run({ server, options, progress }) {
  const url = await server.createDatabase('bench_conversation');
  const api = await startApi(url);
  const clients = await connect(url, 1);
  const empty = await databaseBytes(clients[0]);
  const { ownerId } = await api.get('/access/whoami');
  const loader = openLoader(url, ownerId);
  const { task, batches } = conversation();
  await loader.load(batches);
  await projected(api, loader.position);
  const bytes = (await databaseBytes(clients[0])) - empty;
  progress('LangGraph writes its thread');
  const thread = await langgraphThread(await server.createDatabase('bench_langgraph'), MESSAGES);
  const path = `/mesh/tasks/${task.id}/conversation`;
  const read = async () => {
    const { messages } = await api.get(path);
    if (messages.length !== MESSAGES) throw new Error(`makima answers ${messages.length} messages`);
  };
  const select = async () => {
    const { rows } = await clients[0].query({ ...SELECT, values: [task.id] });
    if (rows.length !== MESSAGES) throw new Error(`the table has ${rows.length} messages`);
  };
  const count = options.quick ? 60 : 200;
  const figures = await alternating(
    options.rounds,
    {
      makima: () => latencies(count, read),
      plain: () => latencies(count, select),
      langgraph: () => latencies(options.quick ? 5 : 10, thread.read, 2),
    },
    { before: server.checkpoint, progress },
  );
  await Promise.all([loader.close(), thread.close(), disconnect(clients)]);
  await api.stop();
  for (const name of ['bench_conversation', 'bench_langgraph']) await server.dropDatabase(name);
  return [
    row({
      id: 7,
      work: `conversation of ${MESSAGES.toLocaleString('en-US')} messages over HTTP, p50`,
      unit: 'ms',
      figure: 'p50',
      figures,
      goals: [
        atMost(2.5, '× plain SELECT', figures.makima, figures.plain, 'p50'),
        atLeast(10, '× faster than LangGraph', figures.langgraph, figures.makima, 'p50'),
        goal('≥', 100, '× smaller on disk than LangGraph', thread.bytes / bytes),
      ],
      notes: [
        `on disk: makima ${(bytes / 1e6).toFixed(1)} MB (log, read models, indexes), LangGraph ${(thread.bytes / 1e6).toFixed(1)} MB`,
      ],
    }),
  ];
}
