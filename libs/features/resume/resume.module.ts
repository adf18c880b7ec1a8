import { Module } from '@nestjs/common';
import { TaskModule } from '../task/task.module.js';
import { ResumeContexts } from './resume-context.js';
import { RunRequests } from './run-requests.js';
import { TaskCode } from './task-code.js';

@Module({
  imports: [TaskModule],
  providers: [ResumeContexts, RunRequests, TaskCode],
  exports: [ResumeContexts, TaskCode],
})
export class ResumeModule {}
