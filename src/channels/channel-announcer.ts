import type { ChannelEndpoint } from '../actors/endpoint/channel-port.ts';
import type { PresenceChange } from '../core/presence.ts';
import { FrameGroup } from '../core/shared-frame.ts';
import type { Logger } from '../telemetry/logger.ts';
import { listOf } from './one-or-set.ts';
import type { SubscribedClient } from './subscribed-client.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Sends what has changed in channels to their subscribers on this gateway, behind the records that came before it. */
export class ChannelAnnouncer {
  private readonly index: Pick<Subscriptions<SubscribedClient>, 'of'>;
  private readonly endpoint: ChannelEndpoint;
  private readonly logger: Logger;

  constructor(index: Pick<Subscriptions<SubscribedClient>, 'of'>, endpoint: ChannelEndpoint, logger: Logger) {
    this.index = index;
    this.endpoint = endpoint;
    this.logger = logger;
  }

  announce(changes: ReadonlyMap<string, readonly PresenceChange[]>): void {
    this.endpoint.sendWaiting();
    for (const [channel, some] of changes) {
      try {
        this.announceIn(channel, some);
      } catch (error) {
        this.logger.error({ error }, 'the codec failed on a change in a channel, which its subscribers do not hear of');
      }
    }
  }

  /** A frame is made once for all of them, and not at all where there is none. */
  private announceIn(channel: string, changes: readonly PresenceChange[]): void {
    const subscribers = listOf(this.index.of(channel));
    if (subscribers.length === 0) return;
    const frames = changes.flatMap((change) => this.endpoint.announcement(channel, change) ?? []);
    if (frames.length === 0) return;
    const group = new FrameGroup(frames);
    for (const { client } of subscribers) client.deliver(group, false);
  }
}
