import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { Request } from 'express';
import { UUID } from '#libs/http/validation.js';
import { isUuid } from '#libs/kernel/ids.js';
import { invalidField } from '#libs/kernel/problem.js';
import type { LeaseHeld } from './lease.decider.js';

const EPOCH = 'X-Makima-Lease';
const DAEMON = 'X-Makima-Daemon';

/** @throws Problem VALIDATION_FAILED for a header that is malformed, or without the other one. */
function leaseOf({ headers }: Request): LeaseHeld | undefined {
  const [epoch, daemonId] = [headers[EPOCH.toLowerCase()], headers[DAEMON.toLowerCase()]];
  if (epoch === undefined && daemonId === undefined) return undefined;
  if (typeof epoch !== 'string' || !/^[1-9]\d{0,14}$/.test(epoch))
    throw invalidField(EPOCH, `must be the epoch of a lease, a whole number from 1, beside ${DAEMON}`);
  const id = typeof daemonId === 'string' ? daemonId.toLowerCase() : '';
  if (!isUuid(id))
    throw invalidField(DAEMON, `must be the id of the daemon that holds the lease, a UUID, beside ${EPOCH}`);
  return { daemonId: id, epoch: Number(epoch) };
}

/** Injects the lease that a daemon speaks under, from its headers; undefined without them. */
export const SpeaksUnder = createParamDecorator((_: unknown, execution: ExecutionContext) =>
  leaseOf(execution.switchToHttp().getRequest<Request>()),
);

/** The route takes these headers. */
export const AcceptsLease = (): MethodDecorator =>
  applyDecorators(
    ApiHeader({
      name: EPOCH,
      required: false,
      description:
        'For daemons: the epoch of the lease that they speak under. A stale one is 409 LEASE_STALE.',
      schema: { type: 'integer', minimum: 1 },
    }),
    ApiHeader({ name: DAEMON, required: false, description: 'Beside it: the daemon.', schema: UUID }),
  );
