import { Module } from '@nestjs/common';
import { ConversationModule } from '../conversation/conversation.module.js';
import { ActivityRecorder } from './activity.process.js';
import { Forks } from './fork.process.js';
import { TaskHandler } from './task.commands.js';
import { TaskController } from './task.controller.js';
import { Tasks } from './task.process.js';

@Module({
  imports: [ConversationModule],
  controllers: [TaskController],
  providers: [TaskHandler, Tasks, Forks, ActivityRecorder],
  exports: [ActivityRecorder, Tasks],
})
export class TaskModule {}
