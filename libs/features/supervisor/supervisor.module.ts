import { Module } from '@nestjs/common';
import { ContractModule } from '../contract/contract.module.js';
import { ConversationModule } from '../conversation/conversation.module.js';
import { ResumeModule } from '../resume/resume.module.js';
import { SupervisorController } from './supervisor.controller.js';
import { Supervisors } from './supervisor.process.js';

@Module({
  imports: [ContractModule, ConversationModule, ResumeModule],
  controllers: [SupervisorController],
  providers: [Supervisors],
})
export class SupervisorModule {}
