import type { Clock } from '../../core/clock.ts';
import type { Identity } from '../../core/identity.ts';
import { LineLimit, sinceLastLine } from '../../telemetry/line-limit.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { closing } from './connection-machine.ts';
import type { EndpointMetrics } from './metrics.ts';
import { IdentityUse, Pace, type SendReason, type SendRules } from './pace.ts';
import type { Peer } from './peer.ts';

/** How much clients of an endpoint may send, and how many of them one identity may have. */
export interface ClientLimitRules {
  readonly own: SendRules;
  readonly identity: SendRules & { readonly connections?: number | undefined };
  /** Whether a client that is over a limit is closed, instead of being read later. */
  readonly closes: boolean;
}

export const NO_LIMITS: ClientLimitRules = { own: {}, identity: {}, closes: false };

/** What a client that is slowed has to do. */
export interface Slowed extends Peer {
  /** It may be read again. */
  wake(): void;
}

/** Milliseconds between two looks at clients that are slowed: one timer for all of them. */
const LOOK_INTERVAL = 100;

/** What to write in a log line and a close reason, by the setting. */
const SETTINGS: Readonly<Record<SendReason, string>> = {
  messages: 'limits.messages',
  bytes: 'limits.bytes',
  identity_messages: 'limits.per_identity.messages',
  identity_bytes: 'limits.per_identity.bytes',
};

interface Reports {
  readonly endpoint: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: EndpointMetrics;
}

/** Slows or closes the clients of an endpoint that send more than they may. The others are not concerned. */
export class ClientLimits {
  /** A copy of our own, which every client of ours counts by: it changes with the settings. */
  private rules: ClientLimitRules;
  private readonly reports: Reports;
  private readonly lines: LineLimit;
  private readonly identities = new Map<string, IdentityUse>();
  private readonly slowed = new Map<Pace, Slowed>();
  private isLooking = false;

  constructor(rules: ClientLimitRules, reports: Reports) {
    this.rules = { own: { ...rules.own }, identity: { ...rules.identity }, closes: rules.closes };
    this.reports = reports;
    this.lines = new LineLimit(reports.clock);
  }

  /** What clients have sent so far stays counted. */
  update({ own, identity, closes }: ClientLimitRules): void {
    const { rules } = this;
    const none = { messages: undefined, bytes: undefined };
    this.rules = {
      own: Object.assign(rules.own, none, own),
      identity: Object.assign(rules.identity, { ...none, connections: undefined }, identity),
      closes,
    };
  }

  /** Whether one more client of that identity would be too many. */
  isFull(identity: Identity | undefined): boolean {
    const { connections } = this.rules.identity;
    const subject = subjectOf(identity);
    if (connections === undefined || subject === undefined) return false;
    return (this.identities.get(subject)?.connections ?? 0) >= connections;
  }

  enter(identity: Identity | undefined): Pace {
    const subject = subjectOf(identity);
    if (subject === undefined) return new Pace(this.rules.own, undefined, undefined);
    const use = this.identities.get(subject) ?? new IdentityUse(this.rules.identity);
    use.connections += 1;
    this.identities.set(subject, use);
    return new Pace(this.rules.own, subject, use);
  }

  leave(pace: Pace): void {
    this.slowed.delete(pace);
    if (pace.identity === undefined) return;
    const use = this.identities.get(pace.identity);
    if (use === undefined) return;
    use.connections -= 1;
    if (use.connections === 0) this.identities.delete(pace.identity);
  }

  /** The client has sent a message of so many bytes. False: it is closed for that. */
  sent(pace: Pace, peer: Slowed, bytes: number): boolean {
    const now = this.reports.clock.elapsed();
    pace.add(bytes, now);
    if (pace.isSlowed) return true;
    const reason = pace.over(now);
    if (reason === undefined) return true;
    this.report(peer, reason);
    if (this.rules.closes) {
      peer.dismiss(closing('limited', `more than ${SETTINGS[reason]} allows`));
      return false;
    }
    pace.isSlowed = true;
    this.slowed.set(pace, peer);
    this.lookLater();
    return true;
  }

  private lookLater(): void {
    if (this.isLooking) return;
    this.isLooking = true;
    this.reports.clock.after(LOOK_INTERVAL, () => {
      this.isLooking = false;
      this.look();
      if (this.slowed.size > 0) this.lookLater();
    });
  }

  private look(): void {
    const now = this.reports.clock.elapsed();
    for (const [pace, peer] of [...this.slowed]) {
      if (pace.over(now) !== undefined) continue;
      pace.isSlowed = false;
      this.slowed.delete(pace);
      peer.wake();
    }
  }

  private report(peer: Slowed, reason: SendReason): void {
    const { endpoint, logger, metrics } = this.reports;
    metrics.limited(reason);
    const count = this.lines.count(reason);
    if (count === 0) return;
    const verb = this.rules.closes ? 'closed' : 'slowed';
    const facts = { client_id: peer.info.clientId, remote: peer.remote, reason, count };
    const more = sinceLastLine(count, `were ${verb}`);
    logger.warn(facts, `a client of ${endpoint} sends more than ${SETTINGS[reason]} allows and is ${verb}${more}`);
  }
}

/** By what clients are taken to be one: the claim `sub` (RFC 7519 4.1.2). */
function subjectOf(identity: Identity | undefined): string | undefined {
  const subject = identity?.claims.sub;
  return typeof subject === 'string' || typeof subject === 'number' ? String(subject) : undefined;
}
