import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp, type TestCaller } from '#libs/testing/app.js';
import { buildWorld, keyOf, newOwner, transcriptOf, type World } from './world.js';

interface Conversation {
  readonly messages: readonly {
    readonly attachments?: readonly { readonly sha256: string }[];
    readonly toolCalls?: readonly { readonly input: unknown }[];
  }[];
}

/** Ways around the wall between owners that no id in a request shows. */
describe('two owners', () => {
  let app: TestApp;
  let alice: World;
  let bob: World;

  beforeAll(async () => {
    app = await startTestApp();
    alice = await buildWorld(app, await newOwner(app, 'alice'), 'marked-alice');
    bob = await buildWorld(app, await newOwner(app, 'bob'), 'marked-bob');
  });
  afterAll(() => app.close());

  it('keeps imports of one transcript by two owners apart', async () => {
    const transcript = transcriptOf('marked-both');
    const importedBy = async (caller: TestCaller): Promise<string> => {
      const init = {
        method: 'POST',
        body: transcript,
        headers: { 'content-type': 'application/octet-stream' },
      };
      const response = await caller.fetch('/api/v1/import', init);
      expect(response.status).toBe(200);
      const report = (await response.json()) as {
        transcripts: { sessions: { taskId: string; outcome: string }[] }[];
      };
      const [session] = report.transcripts[0]!.sessions;
      expect(session!.outcome).toBe('created');
      return session!.taskId;
    };
    const [one, other] = [await importedBy(bob.keys.user), await importedBy(app)];
    expect(one).not.toBe(other);
    await app.caughtUp();
    expect((await bob.keys.user.call('GET', `/api/v1/mesh/tasks/${other}`)).status).toBe(404);
    expect((await app.call('GET', `/api/v1/mesh/tasks/${one}`)).status).toBe(404);
  });

  it('gives no content away to a reference that somebody made up', async () => {
    const { fork, importedTask, blob } = bob.ids;
    const conversation = async (task: string) =>
      (await bob.keys.user.call<Conversation>('GET', `/api/v1/mesh/tasks/${task}/conversation`)).body
        .messages;
    const images = (await conversation(importedTask)).flatMap(({ attachments }) => attachments ?? []);
    expect(images).toHaveLength(1);
    const references = [alice.ids.blob, images[0]!.sha256, blob].map((sha256) => ({
      $blob: { sha256, bytes: 1, preview: 'made up' },
    }));
    const toolCalls = references.map((input, n) => ({ id: `made-up-${n}`, name: 'Read', input }));
    const items = [{ id: randomUUID(), kind: 'tool_call', toolCalls }];
    const { status } = await bob.keys.user.call('POST', `/api/v1/mesh/tasks/${fork}/activity`, { items });
    expect(status).toBe(200);
    await app.caughtUp();
    const shown = (await conversation(fork)).at(-1)!.toolCalls!.map(({ input }) => input);
    // It is what Bob's agent wrote, whatever it looks like: not even his own blobs are meant by it.
    expect(shown).toEqual(references);
  });

  it('keeps what a tool key makes in its own contract', async () => {
    const caller = await keyOf(app, bob.ownerId, { kind: 'tool', contractId: bob.ids.contract });
    const contracts = async () =>
      (await bob.keys.user.call<{ contracts: unknown[] }>('GET', '/api/v1/contracts')).body.contracts.length;
    const before = await contracts();
    expect((await caller.call('POST', '/api/v1/contracts', { name: 'of a tool' })).status).toBe(403);
    expect(await contracts()).toBe(before);
    const made = await caller.call('POST', '/api/v1/mesh/tasks', { name: 'of a tool' });
    expect(made).toMatchObject({ status: 201, body: { contractId: bob.ids.contract } });
  });
});
