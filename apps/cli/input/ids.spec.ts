import { resolveId, NothingFound, type Candidate } from './ids.js';

const A = { id: '0190c3d4-0000-7000-8000-00000000000a', label: 'first' };
const B = { id: '0190c3d4-0000-7000-8000-00000000000b', label: 'second' };
const C = { id: 'ffff0000-0000-7000-8000-00000000000c', label: 'third' };

async function* listed(...candidates: readonly Candidate[]): AsyncGenerator<Candidate> {
  yield* candidates;
}

describe('an id', () => {
  it('that is whole is not looked up', async () => {
    const never = (): AsyncIterable<Candidate> => {
      throw new Error('looked up');
    };
    expect(await resolveId('task', A.id.toUpperCase(), never)).toBe(A.id);
  });

  it('may be shortened to a beginning that no other one has', async () => {
    expect(await resolveId('task', 'ffff00', () => listed(A, B, C))).toBe(C.id);
    expect(await resolveId('task', `${A.id.slice(0, 35)}a`, () => listed(A, B, C))).toBe(A.id);
  });

  it('that appears twice in a list is one', async () => {
    expect(await resolveId('task', 'ffff00', () => listed(C, C))).toBe(C.id);
  });

  it('that could be several is not guessed: the candidates are named', async () => {
    const error: unknown = await resolveId('task', '0190c3d4', () => listed(A, B, C)).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      exitCode: 2,
      message: '"0190c3d4" could be 2 tasks; give more of the id:',
      hints: [`${A.id}  first`, `${B.id}  second`],
    });
  });

  it('that could be many names some of them', async () => {
    const many = Array.from({ length: 20 }, (_, at) => ({
      id: `0190c3d4-0000-7000-8000-0000000000${10 + at}`,
      label: 'x',
    }));
    const error: unknown = await resolveId('task', '0190c3d4', () => listed(...many)).catch(
      (reason: unknown) => reason,
    );
    expect((error as { hints: readonly string[] }).hints).toHaveLength(9);
    expect((error as { hints: readonly string[] }).hints.at(-1)).toBe('… and 12 more');
  });

  it('that is none says where to look', async () => {
    await expect(resolveId('task', 'abcdef', () => listed(A))).rejects.toThrow(NothingFound);
    await expect(resolveId('task', 'abcdef', () => listed(A))).rejects.toMatchObject({
      exitCode: 3,
      hints: ['see them with: makima task list'],
    });
  });

  it.each(['abcde', '', 'login', '../../x', '0190c3d4*'])('is not %j', async (text) => {
    await expect(resolveId('task', text, () => listed(A))).rejects.toMatchObject({ exitCode: 2 });
  });
});
