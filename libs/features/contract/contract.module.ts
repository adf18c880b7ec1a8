import { Module } from '@nestjs/common';
import { ContractHandler } from './contract.commands.js';
import { ContractController } from './contract.controller.js';
import { Contracts } from './contract.process.js';

@Module({ controllers: [ContractController], providers: [ContractHandler, Contracts], exports: [Contracts] })
export class ContractModule {}
