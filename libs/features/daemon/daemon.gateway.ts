import { once } from 'node:events';
import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import type { Request } from 'express';
import { WebSocketServer, type WebSocket } from 'ws';
import { Admission, OWNER_HEADER } from '#libs/http/auth.guard.js';
import { toProblem } from '#libs/http/problem-filter.js';
import type { Caller } from '#libs/kernel/caller.js';
import { DispatchDaemon } from './daemon.commands.js';
import { MAX_MESSAGE_BYTES, type Hello } from './daemon.messages.js';
import { DaemonSession, isHandshake, sessionContext, type SessionHost } from './daemon.session.js';
import { DaemonTimes, heartbeatMs, Presence } from './presence.js';
import { DaemonWork } from './work.process.js';

const PATH = '/api/v1/daemons/connect';
const SCOPES = ['daemon:work'] as const;

/** Where daemons connect. Whoever may not, and whatever is no handshake, is answered by the HTTP side as ever. */
@Injectable()
export class DaemonGateway implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #handshakes = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  readonly #sessions = new Set<DaemonSession>();
  #isStopping = false;

  constructor(
    private readonly adapter: HttpAdapterHost,
    private readonly admission: Admission,
    private readonly commands: CommandBus,
    private readonly presence: Presence,
    private readonly work: DaemonWork,
    @Inject(DaemonTimes) private readonly times: DaemonTimes,
  ) {}

  onApplicationBootstrap(): void {
    const server = this.adapter.httpAdapter.getHttpServer() as Server;
    server.on('upgrade', (request, socket, head) => void this.#upgrade(server, request, socket, head));
  }

  async onModuleDestroy(): Promise<void> {
    this.#isStopping = true;
    const closed = [...this.#handshakes.clients].map((socket) => once(socket, 'close'));
    for (const session of this.#sessions) session.goAway();
    await Promise.all(closed);
  }

  /** The connections of this process that have said hello. */
  get sessions(): readonly DaemonSession[] {
    return [...this.#sessions].filter(({ daemonId }) => daemonId !== null);
  }

  async #upgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const admitted =
      isForDaemons(request) && !this.#isStopping
        ? await this.admission.admit(request, SCOPES).catch(() => null)
        : null;
    if (!admitted || this.#isStopping) answerAsRequest(server, request, socket);
    else
      this.#handshakes.handleUpgrade(request, socket, head, (opened) =>
        this.#open(opened, request, admitted),
      );
  }

  #open(socket: WebSocket, request: IncomingMessage, caller: Caller): void {
    const session = new DaemonSession(socket, caller, this.#hostFor(request));
    this.#sessions.add(session);
    socket.on('close', () => this.#sessions.delete(session));
  }

  #hostFor(request: IncomingMessage): SessionHost {
    const { leaseMs } = this.times;
    return {
      leaseMs,
      heartbeatMs: heartbeatMs(this.times),
      admit: () => this.admission.admit(request, SCOPES),
      arrived: (hello, caller, connectionId) => this.#arrived(hello, caller, connectionId),
      heard: (daemonId, connectionId, heartbeat) => this.presence.heard(daemonId, connectionId, heartbeat),
      stale: (daemonId, ownerId, tasks) => this.work.stale(daemonId, ownerId, tasks),
      left: (daemonId, connectionId) => this.presence.left(daemonId, connectionId),
      problemOf: (error) => toProblem(error, request as Request),
    };
  }

  /** Its stream knows whose daemon it is: one of another owner is refused there as if it did not exist. */
  async #arrived(hello: Hello, caller: Caller, connectionId: string): Promise<void> {
    const { daemonId, name, version, hostname, capacity, runners } = hello;
    const data = { daemonId, name, version, hostname, capacity, runners };
    await this.commands.execute(
      new DispatchDaemon(daemonId, { type: 'Register', data }, sessionContext(caller)),
    );
    await this.presence.arrived(daemonId, caller.ownerId, connectionId);
  }
}

/** A daemon works for the owner of its key, and for no other. */
const isForDaemons = (request: IncomingMessage): boolean =>
  isHandshake(request) &&
  request.url?.split('?')[0] === PATH &&
  request.headers[OWNER_HEADER.toLowerCase()] === undefined;

/** Lets the HTTP side answer, as if no upgrade had been asked for (RFC 9110 §7.8 allows that). */
function answerAsRequest(server: Server, request: IncomingMessage, socket: Duplex): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
  response.on('finish', () => socket.end());
  server.emit('request', request, response);
}
