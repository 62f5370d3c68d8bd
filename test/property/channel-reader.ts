import assert from 'node:assert/strict';
import { type ChannelPosition, parsePosition } from '../../src/core/channel-position.ts';
import type { SimulatedClient } from '../../src/testing/index.ts';
import type { ChannelTopic } from './channel-topic.ts';

interface Frame {
  readonly type: 'subscribed' | 'message' | 'gap' | 'dropped' | 'error' | 'unsubscribed';
  readonly channel: string;
  readonly position?: string;
  readonly recovered?: boolean;
  readonly count?: number;
  readonly code?: string;
  readonly id?: string;
}

/** A subscription that is not answered so far. */
interface Asked {
  readonly since: ChannelPosition | undefined;
  /** Whether the gateway may have no way to get what was missed. */
  mayBeLost: boolean;
  /** Where the topic was by then: what was compacted before is not there any more. */
  moment: number;
}

/** Where a client is in a channel that it is subscribed to. */
interface Place {
  /** The offset in front of which it has all, or knows that it has not. */
  next: number;
  /** See `Asked`. */
  moment: number;
}

/** A client that believes what it reads, and checks that nothing is missing in it, there twice, or out of order. */
export class ChannelReader {
  readonly places = new Map<string, Place>();
  readonly asked = new Map<string, Asked>();
  /** By channel: all that it has been at, newest last. They outlive its connections. */
  readonly positions = new Map<string, string[]>();
  socket: SimulatedClient | undefined;
  gateway = 0;
  isStalled = false;
  /** Records that it has been told to be missing, and has not missed so far. */
  private credit = 0;
  private read = 0;
  /** Frames that it may be too slow for and are no records, or such that need not come. */
  private uncertain = 0;
  private readonly topic: ChannelTopic;
  private readonly recovers: boolean;

  constructor(topic: ChannelTopic, recovers: boolean) {
    this.topic = topic;
    this.recovers = recovers;
  }

  connected(socket: SimulatedClient, gateway: number): void {
    this.socket = socket;
    this.gateway = gateway;
  }

  subscribe(channel: string, since: string | undefined): void {
    if (this.places.has(channel) || this.asked.has(channel)) return;
    const at = since === undefined ? undefined : parsePosition(since);
    const mayBeLost = !this.recovers || this.isStalled || (at !== undefined && !this.topic.hasSince(at));
    this.asked.set(channel, { since: at, mayBeLost, moment: this.topic.moment });
    this.socket?.send({ type: 'subscribe', channel, since, id: 'in' });
  }

  unsubscribe(channel: string): void {
    this.socket?.send({ type: 'unsubscribe', channel, id: 'out' });
  }

  stall(isStalled: boolean): void {
    if (isStalled) this.socket?.stall();
    else this.socket?.unstall();
    this.isStalled = isStalled;
  }

  /** Something has happened for which gateways may not get at what was missed by those who wait. */
  excuse(): void {
    const unread = (this.socket?.frames ?? []).slice(this.read).map((frame) => JSON.parse(String(frame)) as Frame);
    for (const [channel, asked] of this.asked) {
      if (unread.some((frame) => frame.type === 'subscribed' && frame.channel === channel)) continue;
      asked.mayBeLost = true;
      asked.moment = this.topic.moment;
    }
  }

  /** Reads so many of the frames that have come. */
  hear(most = Number.POSITIVE_INFINITY): void {
    const frames = this.socket?.frames ?? [];
    const end = Math.min(frames.length, this.read + most);
    for (; this.read < end; this.read += 1) this.take(JSON.parse(String(frames[this.read])) as Frame);
  }

  /** The connection is over, with all that it has not read. */
  lost(): void {
    this.socket = undefined;
    this.isStalled = false;
    this.places.clear();
    this.asked.clear();
    this.read = 0;
    this.credit = 0;
    this.uncertain = 0;
  }

  /** Nothing comes any more: it has all. */
  isComplete(): void {
    assert.deepEqual([...this.asked.keys()], [], 'subscriptions without an answer');
    for (const [channel, { next, moment }] of this.places) this.passes(channel, next, Number.POSITIVE_INFINITY, moment);
    assert.ok(this.credit <= this.uncertain, `it has heard of ${this.credit} dropped records more than it has missed`);
  }

  /**
   * Records may have been gone before gateways had read them: there are gaps in channels. Those that were compacted away need not
   * come, but may have been among what it is too slow for.
   */
  overtaken(compacted: number): void {
    this.excuse();
    this.uncertain += this.places.size + this.asked.size + compacted;
    for (const place of this.places.values()) place.moment = this.topic.moment;
  }

  private take(frame: Frame): void {
    const { type, channel } = frame;
    if (type === 'subscribed') this.begins(frame);
    else if (type === 'message') this.gets(channel, positionOf(frame));
    else if (type === 'gap') this.goesOn(channel, positionOf(frame));
    else if (type === 'dropped') this.credit += frame.count ?? 0;
    else if (type === 'unsubscribed') this.places.delete(channel);
    // It left before it was in, or what it was not in.
    else if (frame.code !== 'TG_NOT_SUBSCRIBED') assert.fail(JSON.stringify(frame));
    else if (frame.id === 'in') this.asked.delete(channel);
  }

  private begins(frame: Frame): void {
    const { channel, recovered } = frame;
    const at = positionOf(frame);
    const asked = this.asked.get(channel);
    assert.ok(asked !== undefined, `${JSON.stringify(frame)} was not asked for`);
    this.asked.delete(channel);
    const { since, mayBeLost, moment } = asked;
    assert.equal(recovered === undefined, since === undefined, JSON.stringify(frame));
    if (recovered === true) assert.deepEqual(at, since);
    else assert.ok(recovered === undefined || mayBeLost, `${JSON.stringify(frame)}, as ${since?.offset} was shown`);
    this.places.set(channel, { next: at.offset, moment });
    this.remember(channel, frame.position);
  }

  private gets(channel: string, at: ChannelPosition): void {
    const place = this.places.get(channel);
    assert.ok(place !== undefined, `a record of ${channel}, which is not subscribed`);
    const offset = at.offset - 1;
    assert.ok(this.topic.has(channel, offset), `${channel} has no record ${offset}`);
    assert.ok(offset >= place.next, `${channel}: ${offset} comes again, or behind a later one`);
    this.passes(channel, place.next, offset, place.moment);
    place.next = at.offset;
    this.remember(channel, `${at.epoch}.${at.partition}.${at.offset}`);
  }

  private goesOn(channel: string, at: ChannelPosition): void {
    const place = this.places.get(channel);
    if (place === undefined) return;
    this.uncertain -= 1;
    assert.ok(at.offset > place.next, `${channel} has a gap up to ${at.offset}, where it is at ${place.next}`);
    assert.ok(
      at.offset <= this.topic.earliest(at.partition),
      `${channel} has a gap up to ${at.offset}, which is there`,
    );
    place.next = at.offset;
    this.remember(channel, `${at.epoch}.${at.partition}.${at.offset}`);
  }

  /** It has got nothing of these offsets. */
  private passes(channel: string, from: number, to: number, moment: number): void {
    const missing = this.topic.between(channel, from, to, moment);
    this.credit -= missing.length;
    assert.ok(this.credit >= 0, `${channel} from ${from}: ${missing} are missing, of which it was not told`);
  }

  private remember(channel: string, position: string | undefined): void {
    if (position === undefined) return;
    const known = this.positions.get(channel);
    if (known === undefined) this.positions.set(channel, [position]);
    else known.push(position);
  }
}

function positionOf({ position, ...frame }: Frame): ChannelPosition {
  return parsePosition(position ?? '') ?? assert.fail(`no position: ${JSON.stringify(frame)}`);
}
