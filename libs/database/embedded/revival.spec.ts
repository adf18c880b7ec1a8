import { Revival } from './revival.js';

describe('a server that is watched', () => {
  const world = () => {
    const state = { running: true, launches: 0, failures: 0, lines: [] as string[] };
    const revival = new Revival({
      everyMs: 1,
      isRunning: () => state.running,
      log: (line) => state.lines.push(line),
      launch: async () => {
        state.launches += 1;
        if (state.failures-- > 0) throw new Error('no room');
        state.running = true;
      },
    });
    return { state, revival };
  };
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((done) => setTimeout(done, 1));
  };

  it('is started again each time it has ended', async () => {
    const { state, revival } = world();
    for (const times of [1, 2]) {
      state.running = false;
      await until(() => state.running);
      expect(state.launches).toBe(times);
      await until(() => state.lines.length === times);
    }
    await revival.stop();
    expect(state.lines[0]).toBe('Postgres has ended unexpectedly and is started again');
  });

  it('is tried again until it starts, and each failure is said once', async () => {
    const { state, revival } = world();
    state.failures = 3;
    state.running = false;
    await until(() => state.running);
    await revival.stop();
    expect(state.launches).toBe(4);
    expect(state.lines).toEqual(['Postgres has ended unexpectedly and is started again', 'no room']);
  });

  it('stays down after the watch has ended', async () => {
    const { state, revival } = world();
    await revival.stop();
    state.running = false;
    await new Promise((done) => setTimeout(done, 20));
    expect(state).toMatchObject({ launches: 0, lines: [] });
  });
});
