import { Module } from '@nestjs/common';
import { ConversationController } from './conversation.controller.js';
import { Conversations } from './conversation.process.js';

@Module({ controllers: [ConversationController], providers: [Conversations], exports: [Conversations] })
export class ConversationModule {}
