import { TidegateError } from '../../core/errors.ts';
import type { Worker } from './config-records.ts';

/** A call of the Connect API that is refused, with the HTTP status and the message that Connect has for it. */
export class ConnectRefusal extends TidegateError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('TG_CONNECT_REFUSED', message);
    this.name = 'ConnectRefusal';
    this.status = status;
  }
}

/** A call that another gateway has to answer. */
export class BelongsElsewhere extends TidegateError {
  readonly owner: Worker;

  constructor(owner: Worker) {
    super('TG_CONNECT_REFUSED', `this belongs to the gateway at ${owner.url}`);
    this.name = 'BelongsElsewhere';
    this.owner = owner;
  }
}

/** In the words of Connect: it is not known which gateway has to answer. */
export function rebalancing(): ConnectRefusal {
  return new ConnectRefusal(
    409,
    'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.',
  );
}
