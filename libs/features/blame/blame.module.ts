import { Module } from '@nestjs/common';
import { CheckpointModule } from '../checkpoint/checkpoint.module.js';
import { BlameController } from './blame.controller.js';
import { Blame } from './blame.process.js';

@Module({ imports: [CheckpointModule], controllers: [BlameController], providers: [Blame] })
export class BlameModule {}
