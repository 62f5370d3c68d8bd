import type { SubscriptionFacts } from '../../core/channel-protocol.ts';
import type { FrameGroup, Wire } from '../../core/shared-frame.ts';

interface Delivery {
  readonly group: FrameGroup;
  readonly isOwn: boolean;
}

/**
 * The channels that a client is in from the start, in protocols that say so in the answer to its introduction: of some it may take
 * a while until what it has missed is read. What comes in the others meanwhile waits for the answer.
 */
export class Gathering {
  /** What is known of those that it is in. */
  readonly facts = new Map<string, SubscriptionFacts>();
  /** Bytes that wait for the answer. */
  bytes = 0;
  private readonly missing: Set<string>;
  private readonly whenComplete: () => void;
  private waiting: Delivery[] = [];

  constructor(channels: readonly string[], whenComplete: () => void) {
    this.missing = new Set(channels);
    this.whenComplete = whenComplete;
  }

  /** `facts`: undefined where the client is not to be in it any more. */
  settle(channel: string, facts: SubscriptionFacts | undefined): void {
    if (facts !== undefined) this.facts.set(channel, facts);
    // Not before the caller has put the client into the channel.
    if (this.missing.delete(channel) && this.missing.size === 0) queueMicrotask(this.whenComplete);
  }

  keep(group: FrameGroup, isOwn: boolean, wire: Wire): void {
    this.waiting.push({ group, isOwn });
    this.bytes += group.on(wire).length;
  }

  takeWaiting(): readonly Delivery[] {
    const { waiting } = this;
    this.waiting = [];
    this.bytes = 0;
    return waiting;
  }
}
