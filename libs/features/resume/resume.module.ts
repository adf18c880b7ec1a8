import { Module } from '@nestjs/common';
import { RewindModule } from '../rewind/rewind.module.js';
import { TaskModule } from '../task/task.module.js';
import { LeaseCodes } from './lease-codes.process.js';
import { NewTasks } from './new-task.process.js';
import { ResumeContexts } from './resume-context.process.js';
import { ResumePoints } from './resume-points.js';
import { ResumeController } from './resume.controller.js';
import { Resumes } from './resume.process.js';
import { RunRequests } from './run-requests.js';

@Module({
  imports: [TaskModule, RewindModule],
  controllers: [ResumeController],
  providers: [ResumeContexts, RunRequests, LeaseCodes, ResumePoints, Resumes, NewTasks],
  exports: [ResumeContexts, LeaseCodes, Resumes],
})
export class ResumeModule {}
