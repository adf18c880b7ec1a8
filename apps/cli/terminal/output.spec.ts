import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Kept } from '../testing/run-command.js';
import { layoutWidth, Output, OutputClosed, wantsColour } from './output.js';
import { page, pagerFrom } from './pager.js';
import { Progress } from './progress.js';
import { line, span } from './styled.js';

describe('colours', () => {
  const terminal = { isTTY: true };
  it.each([
    [terminal, {}, true],
    [{}, {}, false],
    [terminal, { NO_COLOR: '1' }, false],
    [terminal, { NO_COLOR: '' }, true],
    [terminal, { TERM: 'dumb' }, false],
    [{}, { FORCE_COLOR: '1' }, true],
    [{}, { FORCE_COLOR: 'true', NO_COLOR: '1' }, true],
    [terminal, { FORCE_COLOR: '0' }, false],
  ])('on %j with %j: %s', (stream, env, expected) => {
    expect(wantsColour(stream, env)).toBe(expected);
  });
});

describe('the width to lay out for', () => {
  it('is that of a terminal, and none elsewhere', () => {
    expect(layoutWidth({ isTTY: true, columns: 100 })).toBe(100);
    expect(layoutWidth({ isTTY: true, columns: 0 })).toBe(80);
    expect(layoutWidth({ isTTY: true, columns: 5 })).toBe(20);
    expect(layoutWidth({ columns: 100 })).toBe(Infinity);
  });
});

describe('an output', () => {
  it('writes lines', async () => {
    const kept = new Kept();
    await new Output(kept, true).lines([line('a', span('b', 'red')), []]);
    expect(kept.text).toBe('a\x1b[31mb\x1b[39m\n\n');
  });

  it('waits for a reader that is slow', async () => {
    const slow = new PassThrough({ highWaterMark: 10 });
    const before = slow.listenerCount('drain') + slow.listenerCount('close');
    let done = false;
    const writing = new Output(slow, false)
      .lines(Array.from({ length: 5 }, () => line('x'.repeat(40_000))))
      .then(() => (done = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    slow.resume();
    await writing;
    expect(slow.listenerCount('drain') + slow.listenerCount('close')).toBe(before);
  });

  it('stops when nobody reads any more', async () => {
    const closed = new PassThrough({ highWaterMark: 10 });
    const output = new Output(closed, false);
    const writing = output.raw('x'.repeat(100));
    closed.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await expect(writing).rejects.toThrow(OutputClosed);
    await expect(output.raw('more')).rejects.toThrow(OutputClosed);
  });
});

describe('the pager', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'makima-pager-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    [{}, 'less -R'],
    [{ PAGER: 'more' }, 'more'],
    [{ PAGER: 'more', MAKIMA_PAGER: 'most -x' }, 'most -x'],
    [{ PAGER: 'cat' }, undefined],
    [{ PAGER: '' }, undefined],
  ])('with %j is %s', (env, command) => expect(pagerFrom(env)?.command).toBe(command));

  it('lets less show colours, and quit at once for one page, unless the user says otherwise', () => {
    expect(pagerFrom({})?.env).toMatchObject({ LESS: 'FRX' });
    expect(pagerFrom({ LESS: '-S' })?.env).toMatchObject({ LESS: '-S' });
  });

  const pagerTo = (file: string) => ({ command: `cat > '${file}'`, env: process.env });
  const lines = Array.from({ length: 30 }, (_, at) => line(`line ${at}`));

  it('gets what is longer than a terminal', async () => {
    const kept = new Kept({ columns: 80, rows: 24 });
    await new Output(kept, false).paged(lines, pagerTo(join(folder, 'paged')));
    expect(kept.text).toBe('');
    expect(readFileSync(join(folder, 'paged'), 'utf8').split('\n')).toHaveLength(31);
  });

  it('is not used for what fits, for pipes, or if there is none', async () => {
    const file = join(folder, 'paged');
    for (const [columns, rows, pager] of [
      [80, 100, pagerTo(file)],
      [undefined, 24, pagerTo(file)],
      [80, 24, undefined],
    ] as const) {
      const kept = new Kept(columns === undefined ? {} : { columns, rows });
      await new Output(kept, false).paged(lines, pager);
      expect(kept.text.split('\n')).toHaveLength(31);
    }
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('that cannot be started loses nothing', async () => {
    const kept = new Kept({ columns: 80, rows: 24 });
    await new Output(kept, false).paged(lines, {
      command: 'exec /nowhere/pager 2>/dev/null',
      env: process.env,
    });
    expect(kept.text.split('\n')).toHaveLength(31);
  });

  it('has Ctrl-C for itself', async () => {
    const ofTheCommand = (): void => undefined;
    process.on('SIGINT', ofTheCommand);
    const paging = page(['x'], { command: 'cat > /dev/null', env: process.env });
    expect(process.listeners('SIGINT')).toHaveLength(1);
    expect(process.listeners('SIGINT')).not.toContain(ofTheCommand);
    await paging;
    expect(process.listeners('SIGINT')).toContain(ofTheCommand);
    process.off('SIGINT', ofTheCommand);
  });

  it('may be left before the end', async () => {
    const endless = (function* () {
      for (;;) yield 'x'.repeat(1_000);
    })();
    expect(await page(endless, { command: 'head -c 10 > /dev/null', env: process.env })).toBe(true);
  });
});

describe('a progress bar', () => {
  it('shows how far work is, and goes away', () => {
    const kept = new Kept({ columns: 60 });
    const bar = new Progress(kept, 'importing', () => 0);
    bar.update(1, 4, 'a\x1b[31m.jsonl');
    expect(kept.text).toBe('\r\x1b[Kimporting ██████░░░░░░░░░░░░░░░░░░  25%  a␛[31m.jsonl');
    bar.end();
    expect(kept.text.endsWith('\r\x1b[K')).toBe(true);
  });

  it('is drawn seldom, but always at the end', () => {
    const kept = new Kept({ columns: 60 });
    let now = 0;
    const bar = new Progress(kept, 'x', () => now);
    for (now = 0; now < 100; now += 1) bar.update(now, 100);
    bar.update(100, 100);
    expect(kept.text.split('\r').length - 1).toBeLessThan(5);
    expect(kept.text).toContain('100%');
  });

  it('is not shown where nobody looks', () => {
    const kept = new Kept();
    const bar = new Progress(kept, 'x');
    bar.update(1, 2);
    bar.end();
    expect(kept.text).toBe('');
  });
});
