import { Module } from '@nestjs/common';
import { ChatHandler } from './chat.commands.js';
import { MeshChatController } from './chat.controller.js';
import { Chats } from './chat.process.js';
import { ContractChatController } from './contract-chat.controller.js';

@Module({ controllers: [MeshChatController, ContractChatController], providers: [ChatHandler, Chats] })
export class ChatModule {}
