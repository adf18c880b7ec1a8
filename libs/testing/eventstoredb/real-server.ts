import { existsSync } from 'node:fs';
import { request, type RequestOptions } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A real EventStoreDB or KurrentDB for the contract suite. */
export interface RealServer {
  readonly url: string;
  /** Where it comes from, for the suite's name. */
  readonly origin: string;
  stop(): Promise<void>;
}

/** Why there is none, for the report. */
export interface NoRealServer {
  readonly notRun: string;
}

const IMAGE = process.env['EVENTSTORE_IMAGE'] ?? 'eventstore/eventstore:24.10';
const HTTP_PORT = 2113;
const STARTUP_MS = 120_000;
const PING_MS = 2_000;

/**
 * The server that EVENTSTORE_URL names, else one in a container where a Docker engine answers within two seconds.
 * Where there is neither, it says so at once: an installed Docker client alone means nothing.
 */
export async function realEventStoreDb(): Promise<RealServer | NoRealServer> {
  const url = process.env['EVENTSTORE_URL'];
  if (url) return { url, origin: 'real server of EVENTSTORE_URL', stop: () => Promise.resolve() };
  if (!(await dockerAnswers(PING_MS)))
    return { notRun: 'no Docker engine answers and EVENTSTORE_URL is not set' };
  try {
    return await startContainer();
  } catch (error) {
    return { notRun: `a Docker engine answers, but ${IMAGE} did not start: ${String(error)}` };
  }
}

async function startContainer(): Promise<RealServer> {
  // Loaded only where it is used: it is large, and looks for a Docker engine by itself.
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({
      EVENTSTORE_INSECURE: 'true',
      EVENTSTORE_MEM_DB: 'true',
      EVENTSTORE_CLUSTER_SIZE: '1',
      EVENTSTORE_RUN_PROJECTIONS: 'None',
    })
    .withExposedPorts(HTTP_PORT)
    .withWaitStrategy(Wait.forHttp('/health/live', HTTP_PORT).forStatusCode(204))
    .withStartupTimeout(STARTUP_MS)
    .start();
  return {
    url: `esdb://${container.getHost()}:${container.getMappedPort(HTTP_PORT)}?tls=false`,
    origin: `real server, container ${IMAGE}`,
    stop: async () => {
      await container.stop();
    },
  };
}

/** Whether a Docker engine answers a ping in time, at DOCKER_HOST or one of the usual sockets. */
export async function dockerAnswers(ms: number): Promise<boolean> {
  const answers = await Promise.all(engines().map((engine) => ping(engine, ms)));
  return answers.includes(true);
}

function engines(): RequestOptions[] {
  const host = process.env['DOCKER_HOST'];
  if (host?.startsWith('unix://')) return [{ socketPath: host.slice('unix://'.length) }];
  if (host?.startsWith('tcp://')) {
    const { hostname, port } = new URL(host);
    return [{ hostname, port: port || '2375' }];
  }
  // Anything else (ssh, npipe) would have to be asked through the Docker client.
  if (host) return [];
  const rootless = process.env['XDG_RUNTIME_DIR'];
  return [
    '/var/run/docker.sock',
    join(homedir(), '.docker/run/docker.sock'),
    rootless && join(rootless, 'docker.sock'),
  ]
    .filter((path): path is string => path !== undefined && path !== '' && existsSync(path))
    .map((socketPath) => ({ socketPath }));
}

function ping(engine: RequestOptions, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ ...engine, path: '/_ping', signal: AbortSignal.timeout(ms) }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    call.on('error', () => resolve(false));
    call.end();
  });
}
