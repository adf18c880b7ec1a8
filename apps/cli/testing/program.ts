import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { Cli } from '../cli.js';
import { buildProgram } from '../program.js';
import { Kept } from './run-command.js';

/** The whole command line with nobody at it: for specs that look at what it knows. */
export const programForSpecs = (): Command =>
  buildProgram(
    new Cli({
      env: {},
      stdin: Readable.from([]),
      stdout: new Kept(),
      stderr: new Kept(),
      version: '1',
      now: () => new Date(),
      signal: new AbortController().signal,
      become: () => Promise.reject(new Error('not in specs')),
    }),
  );
