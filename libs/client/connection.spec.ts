import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionFrom, ConnectionError } from './connection.js';
import { writeCredentials } from './makima-home.js';

describe('where the server is', () => {
  let home: string;
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'makima-connection-'))));
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('is said by MAKIMA_URL and MAKIMA_TOKEN', () => {
    expect(
      connectionFrom({
        MAKIMA_URL: 'https://makima.example/base/',
        MAKIMA_TOKEN: ' mk_1 ',
        MAKIMA_HOME: home,
      }),
    ).toEqual({
      url: 'https://makima.example/base',
      token: 'mk_1',
    });
  });

  it('is otherwise what the server on this machine wrote down', () => {
    writeCredentials(home, { url: 'http://127.0.0.1:7555', token: 'mk_2' });
    expect(connectionFrom({ MAKIMA_HOME: home })).toEqual({ url: 'http://127.0.0.1:7555', token: 'mk_2' });
    expect(connectionFrom({ MAKIMA_HOME: home, MAKIMA_TOKEN: 'mk_3' }).token).toBe('mk_3');
    expect(connectionFrom({ MAKIMA_HOME: home, MAKIMA_URL: 'http://127.0.0.1:7555/' }).token).toBe('mk_2');
  });

  it('never gives that server’s token to another one', () => {
    writeCredentials(home, { url: 'http://127.0.0.1:7555', token: 'mk_2' });
    expect(connectionFrom({ MAKIMA_HOME: home, MAKIMA_URL: 'http://127.0.0.1:7556' }).token).toBeUndefined();
  });

  it('is the usual place where nothing is known', () => {
    expect(connectionFrom({ MAKIMA_HOME: home })).toEqual({ url: 'http://127.0.0.1:7420', token: undefined });
  });

  it.each(['makima', 'ftp://makima', 'file:///etc/passwd'])('is not %s', (url) => {
    expect(() => connectionFrom({ MAKIMA_URL: url, MAKIMA_HOME: home })).toThrow(ConnectionError);
  });
});
