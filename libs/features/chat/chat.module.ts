import { Module } from '@nestjs/common';
import { ChatHandler } from './chat.commands.js';
import { ContractChatController, MeshChatController } from './chat.controller.js';
import { Chats } from './chat.process.js';

@Module({ controllers: [MeshChatController, ContractChatController], providers: [ChatHandler, Chats] })
export class ChatModule {}
