import { Module } from '@nestjs/common';
import { TaskModule } from '../task/task.module.js';
import { CheckpointBranchController } from './checkpoint-branch.controller.js';
import { CheckpointBranches } from './checkpoint-branch.process.js';
import { CheckpointCodeController } from './checkpoint-code.controller.js';
import { CheckpointCode } from './checkpoint-code.process.js';
import { CheckpointController } from './checkpoint.controller.js';

@Module({
  imports: [TaskModule],
  controllers: [CheckpointController, CheckpointCodeController, CheckpointBranchController],
  providers: [CheckpointCode, CheckpointBranches],
  exports: [CheckpointCode],
})
export class CheckpointModule {}
