import { totalmem } from 'node:os';

export interface SettingsOptions {
  /** Memory of the machine or container, in bytes. */
  readonly memory: number;
  /** false: nothing survives a power cut. For tests. */
  readonly durable: boolean;
}

const MB = 1024 * 1024;

/** The memory that this machine or container may use, in bytes. */
export function availableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/**
 * The server's settings, as lines of a Postgres configuration file: for an append-only log with read models beside it,
 * on a small machine that does other work too.
 */
export function settingsFile(options: SettingsOptions): string {
  const lines = Object.entries(settings(options)).map(([name, value]) => `${name} = '${value}'`);
  return [
    '# Written by makima at every start. Settings of your own belong at the end of postgres/postgresql.conf.',
    ...lines,
    '',
  ].join('\n');
}

function settings({ memory, durable }: SettingsOptions): Record<string, string> {
  const share = (divisor: number, least: number, most: number): string =>
    `${Math.max(least, Math.min(most, Math.floor(memory / divisor / MB)))}MB`;
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    max_connections: durable ? '100' : '300',
    shared_buffers: share(8, 64, 256),
    effective_cache_size: share(2, 128, 4096),
    maintenance_work_mem: share(32, 32, 128),
    work_mem: share(256, 4, 16),
    fsync: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    synchronous_commit: 'on',
    wal_compression: 'on',
    max_wal_size: durable ? '1GB' : '256MB',
    checkpoint_timeout: '15min',
    random_page_cost: '1.1',
    jit: 'off',
    // Rows are only ever added to the log: index-only scans are as good as the last vacuum.
    autovacuum_naptime: '15s',
    autovacuum_vacuum_insert_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.05',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    log_line_prefix: '%m [%p] ',
    log_checkpoints: 'off',
  };
}
