import { DaemonSettingError, daemonSettings } from './settings.js';

const SERVER = { MAKIMA_URL: 'http://here:7420/', MAKIMA_TOKEN: 'mk_x', MAKIMA_HOME: '/m' };

it('takes what is set, and leaves the rest to the daemon', () => {
  expect(daemonSettings(SERVER)).toEqual({ url: 'http://here:7420', token: 'mk_x', home: '/m' });
  const more = { MAKIMA_DAEMON_NAME: ' here ', MAKIMA_DAEMON_CAPACITY: '8', MAKIMA_CHECKPOINT_MS: '1000' };
  expect(daemonSettings({ ...SERVER, ...more })).toMatchObject({
    name: 'here',
    capacity: 8,
    checkpointMs: 1_000,
  });
});

it.each([
  ['MAKIMA_DAEMON_CAPACITY', '0'],
  ['MAKIMA_DAEMON_CAPACITY', 'many'],
  ['MAKIMA_DAEMON_CAPACITY', '1e3'],
  ['MAKIMA_CHECKPOINT_MS', '99'],
])('refuses %s=%s, and says which numbers it takes', (name, value) => {
  const reading = (): unknown => daemonSettings({ ...SERVER, [name]: value });
  expect(reading).toThrow(DaemonSettingError);
  expect(reading).toThrow(new RegExp(`^${name}=${value} is not a whole number from \\d+ to \\d+$`));
});
