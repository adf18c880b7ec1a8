import { Module } from '@nestjs/common';
import { DaemonModule } from '../daemon/daemon.module.js';
import { TaskModule } from '../task/task.module.js';
import { LeaseController } from './lease.controller.js';
import { Leases } from './lease.process.js';
import { PlainRunContexts, RunContexts } from './run-contexts.js';
import { RunRequests } from './run-requests.js';
import { Runs } from './run.process.js';
import { StartCode } from './start-code.js';

@Module({
  imports: [DaemonModule, TaskModule],
  controllers: [LeaseController],
  providers: [Leases, Runs, RunRequests, StartCode, { provide: RunContexts, useClass: PlainRunContexts }],
})
export class LeaseModule {}
