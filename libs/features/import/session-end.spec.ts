import {
  claudeCode,
  mainSession,
  transcriptOf,
  type ClaudeCodeLines,
} from '#libs/agents/transcripts/spec-lines.js';
import { endOf } from './session-end.js';

const end = (lines: ClaudeCodeLines) => endOf(mainSession(transcriptOf(lines.file())));
const asked = () => claudeCode().user('u1', 'fix it');

describe('how a transcript leaves off', () => {
  it('is completed after an answer', () => {
    expect(end(asked().says('a1', 'm1', 'done'))).toBe('completed');
  });

  it('stays completed whatever machinery writes after the answer', () => {
    const lines = asked().says('a1', 'm1', 'done').user('x', '<command-name>/exit</command-name>');
    expect(end(lines)).toBe('completed');
  });

  it.each([
    ['a prompt without an answer', asked()],
    ['a call without a result', asked().calls('a1', 'm1', 't1', 'Read')],
    ['a result without an answer', asked().calls('a1', 'm1', 't1', 'Read').result('r1', 't1', 'text')],
    ['an error', asked().says('a1', 'm1', 'API Error', { isApiErrorMessage: true })],
  ])('is interrupted after %s', (_, lines) => {
    expect(end(lines)).toBe('interrupted');
  });
});
