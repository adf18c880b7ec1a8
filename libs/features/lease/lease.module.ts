import { Module } from '@nestjs/common';
import { DaemonModule } from '../daemon/daemon.module.js';
import { ResumeModule } from '../resume/resume.module.js';
import { TaskModule } from '../task/task.module.js';
import { LeaseController } from './lease.controller.js';
import { Leases } from './lease.process.js';
import { Runs } from './run.process.js';

@Module({
  imports: [DaemonModule, ResumeModule, TaskModule],
  controllers: [LeaseController],
  providers: [Leases, Runs],
})
export class LeaseModule {}
