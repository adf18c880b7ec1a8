// Row 20: a task goes on with a daemon whose disk never saw it, against a plain clone of its code from the hub.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { codeBed } from '../makima/code-bed.mjs';
import { until } from '../makima/code.mjs';
import { alternating, timed } from '../measure.mjs';
import { nextProse } from '../payloads.mjs';
import { flushed, git } from '../peers/plain-git.mjs';
import { atMost, row } from '../report.mjs';
import { change, firstFiles } from '../sources.mjs';

export const ids = [20];

const MESSAGES = 1_000;
const AT_ONCE = 100;

async function say(api, taskId) {
  for (let said = 0; said < MESSAGES; said += AT_ONCE) {
    const items = Array.from({ length: AT_ONCE }, (_, n) => ({
      id: randomUUID(),
      occurredAt: new Date(Date.UTC(2026, 0, 1) + (said + n) * 1_000).toISOString(),
      kind: 'message',
      role: n % 2 === 0 ? 'user' : 'assistant',
      content: nextProse(),
    }));
    await api.post(`/mesh/tasks/${taskId}/activity`, { items });
  }
}

export async function run(context) {
  const { options, progress } = context;
  const files = options.quick ? 1_000 : 5_000;
  const bed = await codeBed(context, { files, bytes: 2_000 });
  const { base, code, stop } = bed;
  try {
    const mark = join(base, 'started');
    // Its standard input is the prompt, with what of the conversation it is given.
    const command = [
      'sh',
      '-c',
      `date +%s%3N > '${mark}.new'; cat > '${mark}.prompt'; mv '${mark}.new' '${mark}'`,
    ];
    const taskId = await code.newTask('Moves', command);
    await say(code.api, taskId);
    change(code.daemon.folderOf(taskId), firstFiles(10), 'the first daemon');
    const checkpoint = await code.checkpoint(taskId);
    await code.safe(taskId, checkpoint.id);
    let daemons = 0;
    const makima = async () => {
      const daemon = await code.addDaemon(`other-${(daemons += 1)}`);
      rmSync(mark, { force: true });
      await flushed();
      const begun = Date.now();
      await code.api.post(`/mesh/tasks/${taskId}/continue`, {
        targetDaemonId: daemon.id,
        resumeMode: 'with_context',
      });
      const started = await until(
        async () => readStarted(mark),
        (at) => at !== null,
        'the agent to start',
      );
      await code.completed(taskId);
      const prompt = readFileSync(`${mark}.prompt`).length;
      await code.removeDaemon(daemon);
      return { ms: started - begun, promptKb: prompt / 1024 };
    };
    const plain = async () => {
      const target = join(base, `from-hub-${randomUUID()}`);
      mkdirSync(target);
      await flushed();
      const { ms } = await timed(async () => {
        await git(target, ['init', '--quiet']);
        await git(target, ['fetch', '--quiet', `file://${code.hub}`, checkpointRef(checkpoint)]);
        await git(target, ['checkout', '--quiet', 'FETCH_HEAD']);
      });
      rmSync(target, { recursive: true });
      return { ms };
    };
    await plain();
    const figures = await alternating(
      options.rounds,
      { makima, git: plain },
      { before: bed.before, progress },
    );
    return [
      row({
        id: 20,
        work: `resume on another daemon, ${MESSAGES.toLocaleString('en-US')} messages, ${files.toLocaleString('en-US')} files`,
        unit: 'ms',
        figure: 'ms',
        figures,
        goals: [atMost(2, '× plain clone from the hub', figures.makima, figures.git, 'ms')],
        notes: [
          `from the request to the first moment of the agent: lease, context (a prompt of ${figures.makima.at(-1).promptKb.toFixed(0)} KB), the repository fetched from its source, the folder, and what the checkpoint has besides from the hub; each time by a daemon with an empty disk`,
          'git: init, fetch from the hub over file://, checkout',
        ],
      }),
    ];
  } finally {
    await stop();
  }
}

const checkpointRef = ({ id }) => `refs/makima/checkpoints/${id}`;

function readStarted(mark) {
  try {
    return Number(readFileSync(mark, 'utf8'));
  } catch {
    return null;
  }
}
