import { startTestApp, type TestApp } from '#libs/testing/app.js';

/** Letters of which upper and lower case are not one to one, and how else a person may write them. */
const TEXTS = [
  'İSTANBUL',
  'ıstanbul',
  'i\u0307stanbul',
  'ΟΔΟΣ',
  'οδος',
  'οδοσ',
  'straße',
  'STRAẞE',
  'STRASSE',
];
const MORE = ['Äpfel', 'A\u0308pfel', 'ﬁnden', 'K\u212Aelvin', 'Ǆamija'];

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

it('finds every text as it is shown, whatever its letters fold to', async () => {
  const task = await app.post<{ id: string }>('/api/v1/mesh/tasks', { name: 'letters' });
  const texts = [...TEXTS, ...MORE];
  const items = texts.map((content) => ({ id: crypto.randomUUID(), kind: 'message', role: 'user', content }));
  await app.post(`/api/v1/mesh/tasks/${task.id}/activity`, { items });
  await app.caughtUp();
  for (const text of texts) {
    const path = `/api/v1/timeline?task_id=${task.id}&text=${encodeURIComponent(text)}`;
    const { entries } = await app.get<{ entries: { content: string }[] }>(path);
    expect([text, entries.map(({ content }) => content).includes(text)]).toEqual([text, true]);
  }
});
