import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from './journal.js';
import { PackSender } from './pack-sender.js';

it('is idle when it is woken after the end', async () => {
  const base = await mkdtemp(join(tmpdir(), 'makima-sender-'));
  const at = (name: string): string => join(base, name);
  const place = { taskId: 'task', base, folder: at('f'), shadow: at('s'), spool: at('p'), journal: at('j') };
  const sent: string[] = [];
  const sender = new PackSender({
    place,
    journal: await Journal.open(place.journal, () => undefined),
    api: { sendPack: async (_, checkpointId) => void sent.push(checkpointId) },
    signal: AbortSignal.abort(),
    log: () => undefined,
  });
  sender.wake();
  await sender.idle();
  expect(sent).toEqual([]);
  await rm(base, { recursive: true });
});
