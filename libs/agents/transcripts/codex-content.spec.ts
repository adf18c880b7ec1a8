import { argumentsOf, contentOf, outputOf, senderOf } from './codex-content.js';

describe('senderOf', () => {
  test.each([
    ['fix the test', 'human'],
    ['<b>bold</b>', 'human'],
    ['<environment_context>\n<cwd>/w</cwd>', 'context'],
    ['<permissions instructions>ask</permissions instructions>', 'context'],
    ['<user_instructions>x', 'context'],
    ['# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>', 'context'],
    ['<turn_aborted>\nThe user interrupted', 'machine'],
    ['<user_shell_command>ls', 'machine'],
  ])('%j comes from a %s', (text, sender) => {
    expect(senderOf(text)).toBe(sender);
  });
});

describe('outputOf', () => {
  test.each([
    ['plain text', 'plain text', false],
    ['{"output":"ok\\n","metadata":{"exit_code":0}}', 'ok\n', false],
    ['{"output":"bad","metadata":{"exit_code":2}}', 'bad', true],
    ['{"json":"of the command"}', '{"json":"of the command"}', false],
    [
      'Exit code: 1\nWall time: 1 seconds\nOutput:\nx',
      'Exit code: 1\nWall time: 1 seconds\nOutput:\nx',
      true,
    ],
    [
      'Wall time: 1\nProcess exited with code 0\nOutput:\nExit code: 3',
      'Wall time: 1\nProcess exited with code 0\nOutput:\nExit code: 3',
      false,
    ],
    ['apply_patch verification failed: no such file', 'apply_patch verification failed: no such file', true],
  ])('%j', (output, text, isError) => {
    expect(outputOf(output)).toEqual({ texts: [text], images: [], isError });
  });

  test('a list of texts and pictures', () => {
    const url = `data:image/png;base64,${Buffer.from('hi').toString('base64')}`;
    const { texts, images } = outputOf([
      { type: 'input_text', text: 'see' },
      { type: 'input_image', image_url: url },
      { type: 'input_image', image_url: 'https://example.org/a.png' },
    ]);
    expect(texts).toEqual(['see', '[image: https://example.org/a.png]']);
    expect(images.map(({ mediaType, bytes }) => [mediaType, Buffer.from(bytes).toString()])).toEqual([
      ['image/png', 'hi'],
    ]);
  });

  test('the older form says whether it worked', () => {
    expect(outputOf({ content: 'no', success: false })).toEqual({ texts: ['no'], images: [], isError: true });
  });
});

test('contentOf keeps what it does not know as JSON', () => {
  expect(contentOf([{ type: 'input_audio', length: 3 }, 'no object']).texts).toEqual([
    '{"type":"input_audio","length":3}',
  ]);
});

test('argumentsOf leaves text that is no JSON, or too deep', () => {
  expect(argumentsOf('{"cmd":"ls"}')).toEqual({ cmd: 'ls' });
  expect(argumentsOf('ls -l')).toBe('ls -l');
  const deep = '['.repeat(5000) + ']'.repeat(5000);
  expect(argumentsOf(deep)).toBe(deep);
});
