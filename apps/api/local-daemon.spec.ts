import { LocalDaemon } from './local-daemon.js';

/** Programs that stand for a daemon: what they print, and how they end. */
const READY = "console.log('makima daemon d (0190) ready for http://x');";
const STAYS =
  "process.on('SIGTERM', () => { console.log('asked to end'); process.exit(0); }); setInterval(() => {}, 1e6);";
const STUBBORN = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6);";

describe('the daemon beside a server', () => {
  const lines: string[] = [];
  let daemon: LocalDaemon;
  beforeEach(() => void lines.splice(0));
  afterEach(() => daemon.stop());

  const starting = async (script: string, patience: object = {}): Promise<void> => {
    daemon = new LocalDaemon({
      home: '/nowhere',
      url: 'http://x',
      token: 't',
      log: (one) => void lines.push(one),
      command: [process.execPath, '-e', script],
      patience: { again: 10, longest: 40, drain: 5_000, ...patience },
    });
    await daemon.start();
  };
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };

  it('is waited for until it is ready; what it prints is marked', async () => {
    await starting(`${STAYS} setTimeout(() => { console.error('makima daemon: a note'); ${READY} }, 50)`);
    expect(lines).toEqual(['daemon: a note', 'daemon: makima daemon d (0190) ready for http://x']);
  });

  it('gets the settings of its server, whatever those of the machine say', async () => {
    const print =
      "for (const name of ['MAKIMA_HOME', 'MAKIMA_URL', 'MAKIMA_TOKEN']) console.log(process.env[name]);";
    await starting(`${STAYS} ${print} ${READY}`);
    expect(lines.slice(0, 3)).toEqual(['daemon: /nowhere', 'daemon: http://x', 'daemon: t']);
  });

  it('is asked once to end, and waited for', async () => {
    await starting(`${STAYS} ${READY}`);
    await daemon.stop();
    expect(lines.slice(1)).toEqual(['daemon: asked to end']);
    await daemon.stop();
  });

  it('is killed when it does not end', async () => {
    await starting(`${STUBBORN} ${READY}`, { drain: 50 });
    await daemon.stop();
    expect(lines).toHaveLength(1);
  });

  it('is started again when it ends by itself, later each time, and no more when the server ends', async () => {
    await starting(`process.exit(3)`);
    await until(() => lines.length === 4);
    expect(lines).toEqual(
      [0.01, 0.02, 0.04, 0.04].map(
        (pause) => `daemon: ended with exit code 3; starting it again in ${pause} s`,
      ),
    );
    await daemon.stop();
    const ended = lines.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines).toHaveLength(ended);
  });

  it('does not hold a start up for ever', async () => {
    await starting(STAYS, { ready: 50 });
    expect(lines).toEqual([]);
  });

  it('may be a program that is not there', async () => {
    daemon = new LocalDaemon({
      ...{ home: '/nowhere', url: 'http://x', token: 't', log: (one: string) => void lines.push(one) },
      command: ['/nowhere/at/all'],
      patience: { again: 60_000 },
    });
    await daemon.start();
    expect(lines).toEqual([
      expect.stringMatching(/^daemon: ended before it began: .*; starting it again in 60 s$/),
    ]);
  });
});
