import { availableMemory, settingsFile } from './postgres-settings.js';

const GB = 1024 ** 3;
function settings(memory: number, durable = true): Record<string, string> {
  const lines = settingsFile({ memory, durable }).matchAll(/^(\w+) = '(.*)'$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value] as const));
}

describe('the settings of the embedded Postgres', () => {
  it('promise that what is acknowledged is on the disk', () => {
    expect(settings(8 * GB)).toMatchObject({ fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' });
  });

  it('give that up for tests only', () => {
    expect(settings(8 * GB, false)).toMatchObject({ fsync: 'off', full_page_writes: 'off' });
  });

  it('let nobody in from other machines', () => {
    expect(settings(8 * GB)).toMatchObject({ listen_addresses: '127.0.0.1', unix_socket_directories: '' });
  });

  it.each([
    [0.25 * GB, { shared_buffers: '64MB', effective_cache_size: '128MB', work_mem: '4MB' }],
    [1 * GB, { shared_buffers: '128MB', effective_cache_size: '512MB', work_mem: '4MB' }],
    [64 * GB, { shared_buffers: '256MB', effective_cache_size: '4096MB', work_mem: '16MB' }],
  ])('fit a machine with %d bytes of memory', (memory, expected) => {
    expect(settings(memory)).toMatchObject(expected);
  });

  it('know this machine', () => {
    expect(availableMemory()).toBeGreaterThan(0.1 * GB);
    expect(availableMemory()).toBeLessThan(100_000 * GB);
  });
});
