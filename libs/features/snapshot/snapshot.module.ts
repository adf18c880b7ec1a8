import { Module } from '@nestjs/common';
import { ConversationModule } from '../conversation/conversation.module.js';
import { SnapshotController } from './snapshot.controller.js';
import { Snapshots } from './snapshot.process.js';

@Module({ imports: [ConversationModule], controllers: [SnapshotController], providers: [Snapshots] })
export class SnapshotModule {}
