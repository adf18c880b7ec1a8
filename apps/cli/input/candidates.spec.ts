import { programForSpecs } from '../testing/program.js';
import { candidates } from './candidates.js';

const words = (...typed: readonly string[]): readonly string[] =>
  candidates(programForSpecs(), typed).map(({ word }) => word);

describe('completions', () => {
  it('are commands, by what was typed', () => {
    expect(words('t')).toEqual(['timeline', 'task']);
    expect(words('')).toContain('contract');
    expect(words('')).not.toContain('__complete');
    expect(words('task', 'ch')).toEqual(['checkpoints', 'checkpoint', 'checkpoint-diff']);
  });

  it('are options of the command that stands there', () => {
    expect(words('task', 'fork', '--mess')).toEqual(['--message']);
    expect(words('task', 'history', 'abc', '--no-tool')).toEqual(['--no-tool-calls', '--no-tool-results']);
  });

  it('are the values that an option takes', () => {
    expect(words('contract', 'history', '--phase', 'e')).toEqual(['execute']);
    expect(words('task', 'history', 'x', '--format', '')).toEqual(['chat', 'table', 'json']);
    expect(words('task', 'list', '--contract', 'x', '--status', 'f')).toEqual(['failed']);
  });

  it('are none where anything may stand', () => {
    expect(words('task', 'history', '')).toEqual([]);
    expect(words('task', 'fork', '--name', '')).toEqual([]);
  });

  it('say what they are about', () => {
    expect(candidates(programForSpecs(), ['undo'])[0]?.about).toContain('Take back');
  });
});
