import type { SharedFrame } from '../../core/shared-frame.ts';
import { ChannelTurn } from './channel-turn.ts';
import type { OneOrSet } from './one-or-set.ts';
import type { SubscribedClient } from './subscribed-client.ts';

/** What this turn of the event loop has brought, by channel. */
export class ChannelTurns {
  private readonly subscribersOf: (channel: string) => OneOrSet<SubscribedClient> | undefined;
  private turns = new Map<string, ChannelTurn>();
  private sequence = 0;

  constructor(subscribersOf: (channel: string) => OneOrSet<SubscribedClient> | undefined) {
    this.subscribersOf = subscribersOf;
  }

  get isEmpty(): boolean {
    return this.turns.size === 0;
  }

  /** For the subscribers of the channel at the end of this turn. `told`: frames for all clients before it. */
  add(channel: string, frame: SharedFrame, told: number): void {
    let turn = this.turns.get(channel);
    if (turn === undefined) {
      turn = new ChannelTurn(channel);
      this.turns.set(channel, turn);
    }
    turn.add({ frame, sequence: this.sequence, told });
    this.sequence += 1;
  }

  /** The turn is over: tells each subscriber which of its channels have something for it, and returns those. */
  end(): SubscribedClient[] {
    const { turns } = this;
    this.turns = new Map();
    this.sequence = 0;
    const touched: SubscribedClient[] = [];
    for (const turn of turns.values()) {
      const subscribers = this.subscribersOf(turn.channel);
      if (subscribers === undefined) continue;
      if (!(subscribers instanceof Set)) {
        if (subscribers.addDue(turn)) touched.push(subscribers);
        continue;
      }
      turn.isShared = true;
      for (const member of subscribers) if (member.addDue(turn)) touched.push(member);
    }
    return touched;
  }
}
