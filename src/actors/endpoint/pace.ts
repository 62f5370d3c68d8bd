import { type BucketRule, FULL } from '../../core/token-bucket.ts';

/** How much may be sent; what is left out has no limit. */
export interface SendRules {
  readonly messages?: BucketRule | undefined;
  readonly bytes?: BucketRule | undefined;
}

/** Which of the limits a client is over, as the label of the metric. */
export type SendReason = 'messages' | 'bytes' | 'identity_messages' | 'identity_bytes';

/** What one client, or all clients of one identity, have sent. */
class Sent {
  private readonly rules: SendRules;
  private messagesFullAt = FULL;
  private bytesFullAt = FULL;

  constructor(rules: SendRules) {
    this.rules = rules;
  }

  add(bytes: number, now: number): void {
    const { rules } = this;
    if (rules.messages !== undefined) this.messagesFullAt = rules.messages.taken(this.messagesFullAt, 1, now);
    if (rules.bytes !== undefined) this.bytesFullAt = rules.bytes.taken(this.bytesFullAt, bytes, now);
  }

  over(now: number): 'messages' | 'bytes' | undefined {
    const { messages, bytes } = this.rules;
    if (messages?.isOver(this.messagesFullAt, now)) return 'messages';
    return bytes?.isOver(this.bytesFullAt, now) ? 'bytes' : undefined;
  }
}

/** All clients of one identity on this endpoint. */
export class IdentityUse {
  readonly sent: Sent;
  connections = 0;

  constructor(rules: SendRules) {
    this.sent = new Sent(rules);
  }
}

/** What a client has sent, in front of the limits of itself and of its identity. */
export class Pace {
  /** Whether it is not read, as it is over a limit. */
  isSlowed = false;
  readonly identity: string | undefined;
  private readonly own: Sent;
  private readonly shared: Sent | undefined;

  constructor(rules: SendRules, identity: string | undefined, use: IdentityUse | undefined) {
    this.own = new Sent(rules);
    this.identity = identity;
    this.shared = use?.sent;
  }

  /** What is sent counts also where it is too much: the client then waits longer. */
  add(bytes: number, now: number): void {
    this.own.add(bytes, now);
    if (this.shared !== undefined) this.shared.add(bytes, now);
  }

  over(now: number): SendReason | undefined {
    const own = this.own.over(now);
    if (own !== undefined || this.shared === undefined) return own;
    const shared = this.shared.over(now);
    return shared === undefined ? undefined : shared === 'messages' ? 'identity_messages' : 'identity_bytes';
  }
}
