import type { TopicClient } from '../actors/endpoint/topic-clients.ts';
import { TidegateError } from '../core/errors.ts';
import type { Subscriber } from './subscriber.ts';

/** A client of the endpoint, from its connection to its leaving. */
export class Visit {
  readonly client: TopicClient;
  /** The protocol's number of the socket: 1, 2, 3 ... in the order in which clients connect. */
  readonly ws: number;
  private current: Subscriber | undefined;
  private readonly changed: () => void;
  /** Counts changes of the subscription: an answer to an older request changes nothing. */
  turn = 0;

  /** `changed`: called when it has another subscription. */
  constructor(client: TopicClient, ws: number, changed: () => void) {
    this.client = client;
    this.ws = ws;
    this.changed = changed;
  }

  get subscriber(): Subscriber | undefined {
    return this.current;
  }

  set subscriber(subscriber: Subscriber | undefined) {
    this.current = subscriber;
    this.changed();
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
