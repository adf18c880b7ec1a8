// LangGraph with its PostgresSaver: a thread of messages as its documentation builds one, a step a message.
import { randomUUID } from 'node:crypto';
import { AIMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import pg from 'pg';
import { nextProse } from '../payloads.mjs';

/** A thread of `count` messages of 1 KB, and the size of its tables in bytes. */
export async function langgraphThread(url, count) {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const saver = new PostgresSaver(pool);
  await saver.setup();
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('step', () => ({ messages: [new AIMessage({ content: nextProse(), id: randomUUID() })] }))
    .addEdge(START, 'step')
    .addConditionalEdges('step', ({ messages }) => (messages.length < count ? 'step' : END))
    .compile({ checkpointer: saver });
  const thread = { configurable: { thread_id: 'thread' } };
  await graph.invoke({ messages: [] }, { ...thread, recursionLimit: count + 50 });
  const { rows } = await pool.query(
    `SELECT sum(pg_total_relation_size(oid))::bigint AS bytes FROM pg_class
     WHERE relname IN ('checkpoints', 'checkpoint_blobs', 'checkpoint_writes')`,
  );
  return {
    bytes: Number(rows[0].bytes),
    async read() {
      const { values } = await graph.getState(thread);
      if (values.messages.length !== count)
        throw new Error(`LangGraph has ${values.messages.length} messages`);
      return values.messages;
    },
    close: () => pool.end(),
  };
}
