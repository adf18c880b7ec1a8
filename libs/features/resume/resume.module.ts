import { Module } from '@nestjs/common';
import { TaskModule } from '../task/task.module.js';
import { ResumeContexts } from './resume-context.js';
import { RunRequests } from './run-requests.js';

@Module({
  imports: [TaskModule],
  providers: [ResumeContexts, RunRequests],
  exports: [ResumeContexts],
})
export class ResumeModule {}
