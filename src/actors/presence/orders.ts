import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Follower } from '../follower.ts';
import type { Admission } from './admission.ts';
import { type Command, controlKey, everyoneKey, readCommand } from './control.ts';
import type { Outbox } from './outbox.ts';
import type { Newcomer, Order } from './port.ts';
import type { Claim } from './roster.ts';

export interface OrdersOptions {
  readonly endpoint: string;
  readonly topic: string;
  readonly outbox: Outbox;
  readonly admission: Admission;
  /** The one that we have now. */
  readonly incarnation: () => string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ordered: (orders: readonly Order[]) => void;
}

type ToOne = Exclude<Command, { type: 'kick-all' }>;

/**
 * Direct messages and kicks. What concerns a member of this gateway stays here, in a microtask, so that nobody hears of
 * an order within the call that gave it; all else goes by the control topic to the one gateway that has the member.
 */
export class Orders {
  private readonly options: OrdersOptions;
  private readonly follower: Follower;
  private readonly everyone: string;
  private due: Order[] = [];
  private hasComplained = false;

  constructor(options: OrdersOptions) {
    this.options = options;
    const { log, topic, clock, logger } = options;
    this.everyone = everyoneKey(options.endpoint);
    const next = ({ messages }: Batch) => {
      for (const message of messages) this.take(message);
    };
    this.follower = new Follower({ log, topics: [topic], from: 'latest', clock, logger, next });
  }

  /** Resolves once nothing is missed any more that is written to our members. */
  get listening(): Promise<void> {
    return this.follower.caughtUp;
  }

  follow(): void {
    this.follower.open();
  }

  async close(): Promise<void> {
    this.options.outbox.close();
    await this.follower.close();
  }

  give({ incarnation, seq }: Claim, command: ToOne): 'sent' | 'unknown' {
    if (incarnation !== this.options.incarnation()) {
      this.send(controlKey(this.options.endpoint, incarnation), command);
      return 'sent';
    }
    const newcomer = this.options.admission.member(seq);
    // It has left, and the log does not know yet.
    if (newcomer === undefined) return 'unknown';
    this.hand([orderOf(command, newcomer)]);
    return 'sent';
  }

  /** Comes back by the log to this gateway, too. */
  giveAll(by: string): 'sent' {
    this.send(this.everyone, { type: 'kick-all', by });
    return 'sent';
  }

  /** Passes orders on, once the call that they come from has returned. */
  hand(orders: readonly Order[]): void {
    if (orders.length === 0) return;
    if (this.due.length === 0) queueMicrotask(() => this.passOn());
    this.due.push(...orders);
  }

  private passOn(): void {
    const orders = this.due.splice(0).filter((order) => this.options.admission.isIn(whom(order)));
    if (orders.length > 0) this.options.ordered(orders);
  }

  private send(key: string, value: Command): void {
    // An order that comes late is worse than none.
    this.options.outbox.put({ key, value, isWanted: () => false });
  }

  private take(message: Message): void {
    const { endpoint, incarnation, admission } = this.options;
    const key = message.key?.toString();
    const isForAll = key === this.everyone;
    if (!isForAll && key !== controlKey(endpoint, incarnation())) return;
    const command = readCommand(message);
    if (command === undefined || (command.type === 'kick-all') !== isForAll) {
      this.complain(message);
    } else if (command.type === 'kick-all') {
      this.hand(admission.members.map((target) => ({ type: 'kick', target, by: command.by })));
    } else {
      const newcomer = admission.member(command.seq);
      if (newcomer !== undefined) this.hand([orderOf(command, newcomer)]);
      else admission.orderEarly(command.seq, (early) => orderOf(command, early));
    }
  }

  private complain({ offset }: Message): void {
    if (this.hasComplained) return;
    this.hasComplained = true;
    const { topic, logger } = this.options;
    logger.debug({ topic, offset }, `a record of ${topic} is none of ours and is passed over, as will be others`);
  }
}

function orderOf(command: ToOne, newcomer: Newcomer): Order {
  return command.type === 'direct'
    ? { type: 'direct', to: newcomer, from: command.from, content: command.content }
    : { type: 'kick', target: newcomer, by: command.by };
}

function whom(order: Order): Newcomer {
  return order.type === 'direct' ? order.to : order.target;
}
