import type { Identity } from '../../core/identity.ts';
import type { PresentClient } from '../../core/presence.ts';
import type { ChannelsPresence } from '../presence/channels-presence.ts';
import type { SubscribedClient } from './subscribed-client.ts';
import type { SubscriptionWatcher } from './subscriptions.ts';

/** Bytes of the claim `info` as JSON; a longer one is left out. */
const MAX_INFO = 1_024;

/** Tells the presence of channels who the subscribers are. */
export class SubscriberWatch implements SubscriptionWatcher<SubscribedClient> {
  private readonly presence: Pick<ChannelsPresence, 'subscribed' | 'unsubscribed'>;

  constructor(presence: Pick<ChannelsPresence, 'subscribed' | 'unsubscribed'>) {
    this.presence = presence;
  }

  added({ client: { info, identity } }: SubscribedClient, channel: string): void {
    this.presence.subscribed({ channel, client: presentClient(info.clientId, identity) });
  }

  removed({ client: { info } }: SubscribedClient, channel: string): void {
    this.presence.unsubscribed(channel, info.clientId);
  }
}

export function presentClient(client: string, identity: Identity | undefined): PresentClient {
  const { sub, info } = identity?.claims ?? {};
  const user = typeof sub === 'string' ? sub : '';
  return info === undefined || !isShort(info) ? { client, user } : { client, user, info };
}

function isShort(info: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(info) ?? '') <= MAX_INFO;
}
