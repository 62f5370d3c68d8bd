import type { GatewayContext } from './gateway-context.ts';

/** Milliseconds between two looks. */
const LOOK = 60_000;

/** Lets go of what a gateway keeps for topics that clients wrote to or read, once those are gone from the log. */
export class GoneTopics {
  private readonly context: GatewayContext;
  private cancel: () => void = () => {};
  private isStopped = false;

  constructor(context: GatewayContext) {
    this.context = context;
  }

  start(): void {
    if (this.isStopped) return;
    this.cancel = this.context.clock.after(LOOK, () => {
      void this.look().then(() => this.start());
    });
  }

  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  /** Never rejects: a log that does not say what there is keeps everything as it is. */
  async look(): Promise<void> {
    const { passing, log } = this.context;
    if (passing.length === 0) return;
    const there = await log.admin.topics().catch(() => undefined);
    if (there === undefined || this.isStopped) return;
    for (const name of passing) if (!there.has(name)) this.context.letGo(name);
  }
}
