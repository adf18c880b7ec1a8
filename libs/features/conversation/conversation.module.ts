import { Module } from '@nestjs/common';
import { ConversationController } from './conversation.controller.js';
import { ConversationReader } from './conversation.page.js';
import { Conversations } from './conversation.process.js';
import { RewindModule } from '../rewind/rewind.module.js';

@Module({
  imports: [RewindModule],
  controllers: [ConversationController],
  providers: [Conversations, ConversationReader],
  exports: [Conversations, ConversationReader],
})
export class ConversationModule {}
