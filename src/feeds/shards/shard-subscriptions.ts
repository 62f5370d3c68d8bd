import type { Step } from '../../sdk/connect-messages.ts';
import type { ShardSettings } from '../settings/shard-settings.ts';
import type { Shard } from './shard-plan.ts';
import { isOfSymbols, stepsFor } from './shard-steps.ts';

/** The part of the symbols that the connections of a server subscribe to. */
export interface ServerSharding {
  readonly shard: Shard;
  readonly settings: ShardSettings;
}

/**
 * What one connection has subscribed to. The list may change while it is being made or waits for a reply, so it compares what
 * it has sent with what there should be.
 */
export class ShardSubscriptions {
  private readonly sharding: ServerSharding;
  private readonly messages: readonly Step[];
  private readonly run: (steps: readonly Step[], done: () => void) => void;
  private sent: ReadonlySet<string> = new Set();
  private isRunning = false;

  /** `messages`: of `subscribe`. `run` sends messages on the live connection, and calls `done` after the last reply. */
  constructor(
    sharding: ServerSharding,
    messages: readonly Step[],
    run: (steps: readonly Step[], done: () => void) => void,
  ) {
    this.sharding = sharding;
    this.messages = messages;
    this.run = run;
  }

  /** The first messages of the connection. */
  opening(): readonly Step[] {
    const { shard, settings } = this.sharding;
    this.sent = new Set(shard.symbols);
    return stepsFor(this.messages, [...this.sent], settings.per_message);
  }

  /** The connection is live, or the symbols have changed while it is. Symbols that are gone make room for new ones. */
  update(): void {
    if (this.isRunning) return;
    const { sent } = this;
    const { shard, settings } = this.sharding;
    const gone = [...sent].filter((symbol) => !shard.symbols.has(symbol));
    const fresh = [...shard.symbols].filter((symbol) => !sent.has(symbol));
    if (gone.length + fresh.length === 0) return;
    this.sent = new Set(shard.symbols);
    const { unsubscribe, per_message } = settings;
    const steps = [
      ...(unsubscribe === undefined ? [] : stepsFor([unsubscribe], gone, per_message)),
      ...stepsFor(this.messages.filter(isOfSymbols), fresh, per_message),
    ];
    if (steps.length === 0) return;
    this.isRunning = true;
    this.run(steps, () => {
      this.isRunning = false;
      this.update();
    });
  }
}
