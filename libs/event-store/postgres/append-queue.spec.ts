import { randomUUID } from 'node:crypto';
import { LogOverloaded } from '../event-store.js';
import { AppendQueue, type QueueLimits } from './append-queue.js';
import { appendItem } from './append-statement.js';

const ROOMY: QueueLimits = { items: 1_000, bytes: 100_000_000, ageMs: 60_000 };

function queue(limits: Partial<QueueLimits>) {
  const refused: unknown[] = [];
  const waiting = new AppendQueue<string>({ ...ROOMY, ...limits });
  const add = (bytes: number): void => {
    const metadata = { actor: { kind: 'user', id: 'a' }, ownerId: randomUUID(), occurredAt: '' } as const;
    const event = { id: randomUUID(), type: 'T', schemaVersion: 1, metadata, body: Buffer.alloc(bytes) };
    const item = appendItem('s', [event], 0);
    waiting.add({ item, resolve: () => undefined, reject: (error) => refused.push(error) });
  };
  return { waiting, refused, add };
}

describe('the appends that wait', () => {
  it('are refused beyond a number', () => {
    const { waiting, add } = queue({ items: 3 });
    for (const _ of [1, 2, 3]) add(1);
    expect(() => add(1)).toThrow(LogOverloaded);
    waiting.next();
    add(1);
  });

  it('are refused beyond their bytes, which come free again', () => {
    const { waiting, add } = queue({ bytes: 2_000_000 });
    add(800_000);
    add(800_000);
    expect(() => add(800_000)).toThrow(LogOverloaded);
    add(1);
    expect(waiting.next()).toHaveLength(3);
    add(800_000);
    add(800_000);
  });

  it('may always be one, however long', () => {
    const { add } = queue({ bytes: 10 });
    add(800_000);
    expect(() => add(1)).toThrow(LogOverloaded);
  });

  it('are written together up to some megabytes', () => {
    const { waiting, add } = queue({});
    for (let n = 0; n < 6; n += 1) add(800_000);
    expect([waiting.next().length, waiting.next().length, waiting.next().length]).toEqual([4, 2, 0]);
  });

  it('are refused when they have waited for too long', () => {
    const { waiting, refused, add } = queue({ ageMs: -1 });
    add(1);
    add(1);
    waiting.refuseOld();
    expect(refused).toEqual([expect.any(LogOverloaded), expect.any(LogOverloaded)]);
    expect(waiting.length).toBe(0);
    const patient = queue({});
    patient.add(1);
    patient.waiting.refuseOld();
    expect([patient.refused, patient.waiting.length]).toEqual([[], 1]);
  });
});
