import { Module } from '@nestjs/common';
import { ConversationModule } from '../conversation/conversation.module.js';
import { SupervisorController } from './supervisor.controller.js';
import { Supervisors } from './supervisor.process.js';

@Module({ imports: [ConversationModule], controllers: [SupervisorController], providers: [Supervisors] })
export class SupervisorModule {}
