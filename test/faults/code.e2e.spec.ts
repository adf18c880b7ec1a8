import { jest } from '@jest/globals';
import { Chance } from './chance.js';
import { codePlan, faultName } from './code-faults.js';
import { Rounds } from './code-round.js';
import { CodeState } from './code-state.js';
import { CodeStory } from './code-story.js';
import { CodeWorld } from './code-world.js';

const ROUNDS = Number(process.env['MAKIMA_CODE_FAULT_ROUNDS'] ?? 12);
/** Says what happens, round by round. */
const TRACE = process.env['MAKIMA_CODE_FAULT_TRACE'] !== undefined;
const SEED = Number(process.env['MAKIMA_CODE_FAULT_SEED'] ?? Date.now() % 1_000_000_000);

jest.setTimeout(300_000 + ROUNDS * 60_000);

const world = new CodeWorld();
afterAll(() => world.remove());

describe(`${ROUNDS} rounds of kill -9 while code goes forward and back`, () => {
  it(`leave code and conversation agreed, and nothing lost or left (MAKIMA_CODE_FAULT_SEED=${SEED})`, async () => {
    const begin = Date.now();
    const chance = new Chance(SEED);
    await world.start();
    const story = new CodeStory(world, chance);
    const state = new CodeState(world, story, chance);
    const rounds = new Rounds(world, story, chance);
    const missed: string[] = [];
    for (const [index, fault] of codePlan(ROUNDS, chance, process.env['MAKIMA_CODE_FAULT_ONLY']).entries()) {
      const name = `round ${index + 1}, ${faultName(fault)}`;
      const { what, isHit } = await rounds.run(fault).catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`);
      });
      if (!isHit) missed.push(`${name} (${what})`);
      const found = await state.check();
      const log = found.length > 0 ? [...(await story.log()), world.lastWords()] : [];
      expect({ name, what, found, log }).toEqual({ name, what, found: [], log: [] });
      if (TRACE) process.stdout.write(`${name}: ${what}\n`);
    }
    expect(await state.checkAll()).toEqual([]);
    const seconds = Math.round((Date.now() - begin) / 1000);
    process.stdout.write(
      `code faults: ${ROUNDS} rounds (${missed.length} were not hit), ${story.subjects.length} tasks, ` +
        `${state.kept.count} checkpoints, ${state.compared} folders compared, ${seconds} s, seed ${SEED}\n` +
        `refused: ${JSON.stringify([...story.refused])}\nnot hit: ${missed.join('; ')}\n`,
    );
  });
});
