import { Module } from '@nestjs/common';
import { ConversationModule } from '../conversation/conversation.module.js';
import { DaemonModule } from '../daemon/daemon.module.js';
import { ActivityRecorder } from './activity.process.js';
import { Forks } from './fork.process.js';
import { TaskHandler } from './task.commands.js';
import { TaskController } from './task.controller.js';
import { Tasks } from './task.process.js';
import { WaitingForDaemons } from './waiting.process.js';

@Module({
  imports: [ConversationModule, DaemonModule],
  controllers: [TaskController],
  providers: [TaskHandler, Tasks, Forks, ActivityRecorder, WaitingForDaemons],
  exports: [ActivityRecorder, Forks, Tasks, WaitingForDaemons],
})
export class TaskModule {}
