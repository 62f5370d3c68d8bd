import type { AccessRefusal } from '../../core/access.ts';
import { CHANNEL_NAME_RULE, CLIENT_PREFIX, isChannelName, isReserved } from '../../core/channel.ts';
import type { Message } from '../../core/message.ts';
import type { NamePattern } from '../../sdk/name-pattern.ts';

export interface JoinSettings {
  readonly join: readonly NamePattern[];
  readonly max_per_connection: number;
}

type Joined = { readonly channels: readonly string[] } | { readonly refusal: AccessRefusal };

/**
 * The channels that a connection is in from its handshake on. Where one of them cannot be told the client is refused: it would
 * else wait for records that never come, and a name without its value would be one for several clients.
 */
export class Joining {
  private readonly endpoint: string;
  private readonly settings: JoinSettings;

  constructor(endpoint: string, settings: JoinSettings) {
    this.endpoint = endpoint;
    this.settings = settings;
  }

  /** `client`: a message whose `meta` has what is known of it. */
  async of(client: Message): Promise<Joined> {
    const { join, max_per_connection: most } = this.settings;
    const channels = new Set<string>();
    for (const template of join) {
      const names = await namesOf(template, client);
      if (names === undefined) return this.refuse('channel_missing', `${template.text} has no value for this client`);
      for (const name of names) {
        if (!isChannelName(name))
          return this.refuse(
            'channel_invalid',
            `${template.text} gives this client no valid name: ${CHANNEL_NAME_RULE}`,
          );
        if (isReserved(name))
          return this.refuse('channel_invalid', `${template.text} gives a name that begins with ${CLIENT_PREFIX}`);
        channels.add(name);
      }
      if (channels.size > most)
        return this.refuse('channel_limit', `gives this client more than ${most} channels (max_per_connection)`);
    }
    return { channels: [...channels] };
  }

  private refuse(reason: string, what: string): { readonly refusal: AccessRefusal } {
    return { refusal: { status: 403, reason, message: `endpoints.${this.endpoint}.channels.join: ${what}` } };
  }
}

/** Undefined where a value is missing or empty, cannot be evaluated, or is neither text nor a number. A list has texts only. */
async function namesOf(template: NamePattern, client: Message): Promise<readonly unknown[] | undefined> {
  try {
    const value = await template.expression.evaluate(client);
    if (Array.isArray(value)) return value;
  } catch {
    return undefined;
  }
  const name = await template.fill(client);
  return name === undefined ? undefined : [name];
}
