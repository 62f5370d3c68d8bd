import { TidegateError } from '../../core/errors.ts';
import type { Client } from './client.ts';
import type { Subscriber } from './subscriber.ts';

/** A client of the endpoint, from its coming to its leaving. */
export class Visit {
  readonly client: Client;
  /** What S2 calls the socket: 1, 2, 3 ... in the order of their coming. */
  readonly ws: number;
  subscriber: Subscriber | undefined;
  /** Counts what changes the subscription: an answer that was overtaken changes nothing. */
  turn = 0;
  /** When topics were created, within the last minute. */
  created: number[] = [];

  constructor(client: Client, ws: number) {
    this.client = client;
    this.ws = ws;
  }

  /** The subscription. Throws TG_NOT_SUBSCRIBED where there is none. */
  get subscribed(): Subscriber {
    if (this.subscriber === undefined)
      throw new TidegateError('TG_NOT_SUBSCRIBED', 'there is no subscription; subscribe first');
    return this.subscriber;
  }

  unsubscribe(): void {
    this.turn += 1;
    this.subscribed.leave();
    this.subscriber = undefined;
  }

  leave(): void {
    this.turn += 1;
    this.subscriber?.leave();
    this.subscriber = undefined;
  }
}
