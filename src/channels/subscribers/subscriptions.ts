import { countOf, hasOne, listOf, type OneOrSet, withOne, withoutOne } from './one-or-set.ts';

/** Who can be subscribed: the index keeps its channels with it. */
export interface Subscriber {
  /** Kept by the index alone. */
  channels: OneOrSet<string> | undefined;
}

/** Called for each subscription that begins or ends. */
export interface SubscriptionWatcher<S> {
  added(subscriber: S, channel: string): void;
  removed(subscriber: S, channel: string): void;
}

/**
 * Which subscribers each channel has. A name takes memory while it has one, and nothing is left of it afterwards. What a
 * subscriber is in is kept at itself, so that its end costs as much as it has subscriptions, whatever the number of channels.
 */
export class Subscriptions<S extends Subscriber> {
  private readonly watcher: SubscriptionWatcher<S> | undefined;
  private readonly subscribers = new Map<string, OneOrSet<S>>();
  private count = 0;

  constructor(watcher?: SubscriptionWatcher<S>) {
    this.watcher = watcher;
  }

  /** Channels with a subscriber. */
  get channels(): number {
    return this.subscribers.size;
  }

  /** Of the channels with a subscriber. */
  names(): Iterable<string> {
    return this.subscribers.keys();
  }

  get size(): number {
    return this.count;
  }

  /** One lookup, for each record. */
  of(channel: string): OneOrSet<S> | undefined {
    return this.subscribers.get(channel);
  }

  has(subscriber: S, channel: string): boolean {
    return hasOne(subscriber.channels, channel);
  }

  countOf({ channels }: S): number {
    return countOf(channels);
  }

  /** Names of the channels that it is in. */
  channelsOf({ channels }: S): readonly string[] {
    return listOf(channels);
  }

  /** False where it was subscribed before. */
  add(subscriber: S, channel: string): boolean {
    if (this.has(subscriber, channel)) return false;
    subscriber.channels = withOne(subscriber.channels, channel);
    this.subscribers.set(channel, withOne(this.subscribers.get(channel), subscriber));
    this.count += 1;
    this.watcher?.added(subscriber, channel);
    return true;
  }

  /** False where it was not subscribed. */
  remove(subscriber: S, channel: string): boolean {
    if (!this.has(subscriber, channel)) return false;
    subscriber.channels = withoutOne(subscriber.channels, channel);
    this.forget(subscriber, channel);
    return true;
  }

  removeAll(subscriber: S): void {
    for (const channel of this.channelsOf(subscriber)) this.forget(subscriber, channel);
    subscriber.channels = undefined;
  }

  private forget(subscriber: S, channel: string): void {
    const left = withoutOne(this.subscribers.get(channel), subscriber);
    if (left === undefined) this.subscribers.delete(channel);
    else this.subscribers.set(channel, left);
    this.count -= 1;
    this.watcher?.removed(subscriber, channel);
  }
}
