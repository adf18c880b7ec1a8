import { randomUUID } from 'node:crypto';
import { MemoryBlobStore } from '#libs/event-store/blob-store.js';
import { EventCodec } from '#libs/event-store/codec.js';
import { MemoryEventStore } from '#libs/event-store/memory/memory-event-store.js';
import type { Decider } from '#libs/kernel/decider.js';
import { newId } from '#libs/kernel/ids.js';
import type { CommandContext } from './command-context.js';
import { deciderHandler, Dispatch, type EventOrigin } from './decider-handler.js';
import { StreamStates } from './stream-states.js';

interface Sum {
  readonly total: number;
}
type Added = { readonly type: 'Added'; readonly data: { readonly amount: number } };
interface Add {
  readonly amounts: readonly number[];
}

const adder: Decider<Sum, Add, Added> = {
  initial: { total: 0 },
  decide: ({ amounts }) => amounts.map((amount) => ({ type: 'Added', data: { amount } })),
  evolve: ({ total }, { data }) => ({ total: total + data.amount }),
};

class DispatchAdd extends Dispatch<Add, Sum, Added> {}

const contextOf = (): CommandContext => ({
  actor: { kind: 'user', id: 'somebody' },
  ownerId: '0e3c7d3e-0000-4000-8000-000000000001',
  now: new Date('2026-01-01'),
  commandId: newId(),
  idempotent: false,
});
const originOf = (id: string): EventOrigin => ({
  id,
  occurredAt: '2026-01-01T00:00:00.000Z',
  inputHash: 'x',
});

function world() {
  const store = new MemoryEventStore();
  const codec = new EventCodec(new MemoryBlobStore());
  const shelf = { find: async () => null, keep: async () => undefined };
  const Handler = deciderHandler(DispatchAdd, {
    stream: (id) => `sum-${id}`,
    decider: adder,
    states: 'SUMS',
  });
  /** A process of its own: its memory knows only what it did or read itself. */
  const start = () => {
    const handler = new Handler(store, codec, new StreamStates(adder, 'sum/1', store, codec, shelf));
    return {
      add: (amount: number, id: string) => {
        const command = { amounts: [amount] };
        return handler.execute(new DispatchAdd('a', command, contextOf(), { origins: [originOf(id)] }));
      },
    };
  };
  return { store, start };
}

describe('a command whose events the stream holds already', () => {
  it('is answered as before, and what comes next goes on from the end of the stream', async () => {
    const { store, start } = world();
    const process = start();
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    await process.add(1, first);
    await process.add(10, second);
    expect(await process.add(1, first)).toMatchObject({ version: 1, repeated: true, state: { total: 11 } });
    expect(await process.add(100, third)).toMatchObject({
      version: 3,
      repeated: false,
      state: { total: 111 },
    });
    expect(await store.readStream('sum-a')).toHaveLength(3);
  });

  it('is recognised by a process that has not seen them being written', async () => {
    const { start } = world();
    const [one, other] = [start(), start()];
    const [first, second] = [randomUUID(), randomUUID()];
    await one.add(1, first);
    await other.add(10, second);
    expect(await one.add(10, second)).toMatchObject({ version: 2, repeated: true, state: { total: 11 } });
    expect(await one.add(100, randomUUID())).toMatchObject({ version: 3, state: { total: 111 } });
    expect(await other.add(1_000, randomUUID())).toMatchObject({ version: 4, state: { total: 1_111 } });
  });
});
