// Makima's server as users run it: a process of its own, on loopback, asked over HTTP with a token.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../dist/apps/api/main.js', import.meta.url));
const LONGEST_START_MS = 60_000;

/**
 * Starts the server on a database of the benchmark's Postgres.
 * @param root folder for its home, in which the hubs are.
 */
export async function startApi(databaseUrl, settings = {}, root = tmpdir()) {
  const home = mkdtempSync(join(root, 'makima-bench-api-'));
  chmodSync(home, 0o700);
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      MAKIMA_HOME: home,
      PORT: '0',
      DATABASE_URL: databaseUrl,
      MAKIMA_DAEMON: 'off',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const kill = () => {
    child.kill();
    rmSync(home, { recursive: true, force: true });
  };
  process.once('exit', kill);
  const errors = [];
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  try {
    await Promise.race([
      ready(child),
      ended.then((code) =>
        Promise.reject(new Error(`the server ended with ${code}: ${errors.slice(0, 8).join(' / ')}`)),
      ),
      tooLate(),
    ]);
  } catch (error) {
    child.kill();
    throw error;
  }
  const { url, token } = JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8'));
  const client = httpClient(url, token, () => errors.slice(-8).join(' / '));
  return {
    ...client,
    url,
    token,
    hubs: join(home, 'hubs'),
    pid: child.pid,
    async stop() {
      client.close();
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const tooLate = () =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error('the server does not get ready')), LONGEST_START_MS).unref();
  });

const ready = (child) =>
  new Promise((resolve) => {
    createInterface({ input: child.stdout }).on(
      'line',
      (line) => line.startsWith('makima ready at') && resolve(),
    );
  });

/** A client that keeps its connection, as a browser or a program does; answers parsed JSON. */
function httpClient(url, token, serverSaid) {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });
  const call = (method, path, body, prefix = '/api/v1') =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = {
        authorization: `Bearer ${token}`,
        ...(text ? { 'content-type': 'application/json', 'content-length': text.length } : {}),
      };
      const sent = request(
        { agent, hostname, port, method, path: `${prefix}${path}`, headers },
        (response) => {
          const parts = [];
          response.on('data', (part) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const answer = Buffer.concat(parts).toString('utf8');
            if (response.statusCode < 300) resolve(JSON.parse(answer));
            else
              reject(
                new Error(
                  `${method} ${path}: ${response.statusCode} ${answer.slice(0, 500)} ${serverSaid()}`,
                ),
              );
          });
        },
      );
      // The server closes connections that were idle for some seconds; one that was picked at that moment is replaced.
      sent.on('error', (error) =>
        sent.reusedSocket && error.code === 'ECONNRESET'
          ? resolve(call(method, path, body, prefix))
          : reject(error),
      );
      sent.end(text);
    });
  return {
    get: (path) => call('GET', path),
    health: () => call('GET', '/health', undefined, ''),
    post: (path, body) => call('POST', path, body),
    close: () => agent.destroy(),
  };
}
