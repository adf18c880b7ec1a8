import { readFileSync, writeFileSync } from 'node:fs';
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Database } from '#libs/database/database.js';
import { MemoryEventStore } from '#libs/event-store/memory/memory-event-store.js';
import { buildDocument } from '#libs/http/openapi.js';
import { AppModule } from './app.module.js';

// Writes docs/openapi.json; with --check says whether it is up to date (exit 1 if not). Needs no database: nothing is asked of it.
const FILE = 'docs/openapi.json';
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
const database = new Database({ url: 'postgres://localhost/none' });
const application = await NestFactory.create<NestExpressApplication>(
  AppModule.forRoot({
    system: database,
    patient: database,
    reader: database,
    store: new MemoryEventStore(),
    cursorKey: Buffer.alloc(32),
    hubs: '',
    projects: false,
    leaseMs: 30_000,
    snapshots: { everyMessages: 0, everyMinutes: 0 },
    log: () => undefined,
  }),
  { logger: ['error'], preview: true },
);
const text = `${JSON.stringify(buildDocument(application, version), null, 2)}\n`;
if (process.argv.includes('--check')) {
  if (text !== readFileSync(FILE, 'utf8')) {
    console.error(`${FILE} is not what the code says; run: npm run generate`);
    process.exit(1);
  }
} else writeFileSync(FILE, text);
process.exit(0);
