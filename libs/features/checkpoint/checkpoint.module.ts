import { Module } from '@nestjs/common';
import { TaskModule } from '../task/task.module.js';
import { CheckpointCodeController } from './checkpoint-code.controller.js';
import { CheckpointCode } from './checkpoint-code.process.js';
import { CheckpointController } from './checkpoint.controller.js';

@Module({
  imports: [TaskModule],
  controllers: [CheckpointController, CheckpointCodeController],
  providers: [CheckpointCode],
})
export class CheckpointModule {}
