import { daemonSettings, DaemonSettingError } from './settings.js';

const SERVER = { MAKIMA_URL: 'http://127.0.0.1:1', MAKIMA_TOKEN: 't', MAKIMA_HOME: '/h' };
const found = (more: object) => daemonSettings({ ...SERVER, ...more });

describe("a daemon's settings", () => {
  it('are those of its environment', () => {
    expect(found({})).toEqual({ home: '/h', url: 'http://127.0.0.1:1', token: 't' });
    expect(
      found({
        MAKIMA_DAEMON_NAME: 'n',
        MAKIMA_DAEMON_CAPACITY: '3',
        MAKIMA_DAEMON_RUNNERS: 'command, replay',
        MAKIMA_DAEMON_VERSION: '1.2.3',
        MAKIMA_CHECKPOINT_MS: '500',
      }),
    ).toMatchObject({
      name: 'n',
      capacity: 3,
      runners: ['command', 'replay'],
      version: '1.2.3',
      checkpointMs: 500,
    });
  });

  it.each([
    { MAKIMA_DAEMON_CAPACITY: '0' },
    { MAKIMA_DAEMON_CAPACITY: 'many' },
    { MAKIMA_DAEMON_RUNNERS: 'command,bash' },
    { MAKIMA_DAEMON_RUNNERS: 'command,' },
    { MAKIMA_CHECKPOINT_MS: '1' },
  ])('are refused by name where they cannot be used: %j', (more) => {
    expect(() => found(more)).toThrow(DaemonSettingError);
    expect(() => found(more)).toThrow(`${Object.keys(more)[0]}=`);
  });
});
