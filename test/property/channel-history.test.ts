import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../src/core/batch.ts';
import { type ChannelPosition, positionText } from '../../src/core/channel-position.ts';
import type { Message } from '../../src/core/message.ts';
import type { FakeSocket } from '../unit/actors/fake-socket.ts';
import { turn } from '../unit/actors/rig.ts';
import { FakeFeed } from '../unit/channels/fake-feed.ts';
import { accessTo, channelRig } from '../unit/channels/rig.ts';

/** a and c are in one partition, b and d in the other. */
const CHANNELS = ['a', 'b', 'c', 'd'];
/** The last two clients join channels of one partition, and know one position of both, as with an event stream. */
const JOINED = [[], [], ['a', 'c'], ['b', 'd']];

interface Step {
  readonly type: 'publish' | 'lose' | 'subscribe' | 'unsubscribe' | 'read' | 'cut' | 'answer' | 'turn';
  readonly client: number;
  readonly channel: string;
  readonly count: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.oneof(
    { weight: 12, arbitrary: fc.constant('publish' as const) },
    { weight: 8, arbitrary: fc.constant('subscribe' as const) },
    { weight: 4, arbitrary: fc.constantFrom('answer' as const, 'read' as const, 'turn' as const) },
    { weight: 3, arbitrary: fc.constantFrom('unsubscribe' as const, 'cut' as const) },
    { weight: 1, arbitrary: fc.constant('lose' as const) },
  ),
  client: fc.nat(JOINED.length - 1),
  channel: fc.constantFrom(...CHANNELS),
  count: fc.nat(4),
});

interface Settings {
  readonly last: number;
  readonly bytes: number;
  readonly initial: number;
  /** Whether the log is read for what is not kept. */
  readonly recovers: boolean;
}

const settings: fc.Arbitrary<Settings> = fc.record({
  last: fc.constantFrom(1, 2, 100),
  bytes: fc.constantFrom(1_500, 4_000, 1_000_000),
  initial: fc.constantFrom(0, 1),
  recovers: fc.boolean(),
});

/** What was written to each channel, and what of it never came. */
class Log {
  readonly feed = new FakeFeed({ partitions: 2 });
  private readonly offsets = new Map<string, number[]>(CHANNELS.map((channel) => [channel, []]));
  /** By partition: records in front of it were lost. */
  private readonly lost = new Map<number, number>();

  append(channel: string): Message {
    const message = this.feed.append(channel, 'r');
    this.offsets.get(channel)?.push(message.offset);
    return message;
  }

  /** The next record of the channel never comes. Returns where reading goes on. */
  lose(channel: string): ChannelPosition {
    const { partition, offset } = this.append(channel);
    this.lost.set(partition, offset + 1);
    return this.feed.position(channel, offset + 1);
  }

  next(channel: string, from: number): number | undefined {
    return this.offsets.get(channel)?.find((offset) => offset >= from);
  }

  lostIn(channel: string): number {
    return this.lost.get(this.feed.partitionOf(channel)) ?? 0;
  }

  answer(): void {
    const { since } = this.feed.asked[0]?.request ?? {};
    if (since === undefined) return;
    if (since.offset < (this.lost.get(since.partition) ?? 0)) this.feed.answer({ lost: 'expired' });
    else this.feed.answer();
  }
}

/** A client that believes what it reads, and checks that nothing is missing in it or there twice. */
class Client {
  socket: FakeSocket | undefined;
  /** Frames that it has not read. */
  private unread: string[] = [];
  /** By channel: the offset in front of which it has all. It survives the connection. */
  readonly positions = new Map<string, number>();
  /** By channel: where its next record is, while it is subscribed. */
  readonly next = new Map<string, number>();
  /** By channel: what it has shown, while it waits for the answer. */
  readonly asked = new Map<string, number | undefined>();
  readonly joined: readonly string[];
  /** Joined channels of which it gets the newest record first, whatever was before that. */
  private readonly fresh = new Set<string>();
  private readonly log: Log;
  private readonly mayBeLost: (channel: string, asked: number) => boolean;

  constructor(log: Log, joined: readonly string[], mayBeLost: (channel: string, asked: number) => boolean) {
    this.log = log;
    this.joined = joined;
    this.mayBeLost = mayBeLost;
  }

  read(count = Number.POSITIVE_INFINITY): void {
    for (const frame of (this.socket?.taken() ?? []).join('').split('|')) if (frame !== '') this.unread.push(frame);
    for (const frame of this.unread.splice(0, count)) this.hear(frame);
  }

  /** The connection is lost, with all that it has not read. */
  cut(): void {
    this.socket?.closes(1006);
    this.socket = undefined;
    this.unread = [];
    this.next.clear();
    this.asked.clear();
    this.fresh.clear();
  }

  private hear(frame: string): void {
    const [word = '', of = '', at = ''] = frame.split(/[ @=]/);
    if (frame.includes('=')) this.gets(word, Number(at));
    else if (word === 'subscribed') this.begins(frame);
    else if (word === 'gap') this.goesOn(frame);
    else if (word === 'unsubscribed') this.next.delete(at);
    else if (word !== 'refused') assert.equal(frame, 'welcome you');
    else if (of.startsWith('+')) this.asked.delete(at);
  }

  private begins(frame: string): void {
    const [, channel = '', at, recovered] = /^subscribed \S+ (\w)@(\d+)(?: (\w+))?$/.exec(frame) ?? assert.fail(frame);
    const asked = this.asked.get(channel);
    this.asked.delete(channel);
    assert.equal(recovered === undefined, asked === undefined, `${frame}, as ${asked} was shown`);
    if (recovered === 'true') assert.equal(Number(at), asked);
    else if (this.joined.length > 0) this.fresh.add(channel);
    if (recovered === 'false') assert.ok(this.mayBeLost(channel, asked ?? 0), `${frame}, as ${asked} was shown`);
    this.next.set(channel, Number(at));
    this.positions.set(channel, Number(at));
  }

  private gets(channel: string, position: number): void {
    const from = this.next.get(channel);
    assert.ok(from !== undefined, `a record of ${channel}, which is not subscribed`);
    if (!this.fresh.delete(channel))
      assert.equal(position - 1, this.log.next(channel, from), `${channel} from ${from}`);
    this.next.set(channel, position);
    for (const other of [channel, ...this.joined]) this.positions.set(other, position);
  }

  private goesOn(frame: string): void {
    const [, channel = '', at] = /^gap (\w)@(\d+) expired$/.exec(frame) ?? assert.fail(frame);
    if (!this.next.has(channel)) return;
    this.next.set(channel, Number(at));
    this.positions.set(channel, Number(at));
  }
}

async function run(t: TestContext, steps: readonly Step[], { recovers, ...limits }: Settings): Promise<void> {
  const recover = recovers ? { timeout: 3_000 } : undefined;
  const rig = channelRig(t, { history: { ...limits, recover }, maxPerConnection: 4 });
  const log = new Log();
  const { feed } = log;
  rig.channels.attach(feed);
  const isComplete = recovers || (limits.last === 100 && limits.bytes === 1_000_000);
  const tooFast = () => rig.count('tidegate_channel_recoveries_total', { result: 'lost', reason: 'unavailable' }) > 0;
  const clients = JOINED.map(
    (joined) => new Client(log, joined, (channel, asked) => !isComplete || asked < log.lostIn(channel) || tooFast()),
  );
  const subscribe = async (client: Client, channel: string, shows: boolean) => {
    const positionOf = (one: string) => (shows ? client.positions.get(one) : undefined);
    const [first] = client.joined;
    if (first !== undefined && client.socket === undefined) {
      const at = positionOf(first);
      for (const one of client.joined) client.asked.set(one, at);
      client.socket = await rig.comesBack(
        accessTo(client.joined),
        at === undefined ? undefined : [feed.position(first, at)],
      );
      return;
    }
    if (first !== undefined || client.next.has(channel) || client.asked.has(channel)) return;
    client.socket ??= await rig.comesBack(accessTo([]));
    const at = positionOf(channel);
    client.asked.set(channel, at);
    client.socket.sends(`+${channel}${at === undefined ? '' : ` since ${positionText(feed.position(channel, at))}`}`);
  };
  for (const { type, client: number, channel, count } of steps) {
    const client = clients[number] as Client;
    if (type === 'publish') rig.endpoint.publish(new Batch([log.append(channel)]), [channel], feed);
    else if (type === 'lose') rig.channels.gap(feed, log.lose(channel));
    else if (type === 'subscribe') await subscribe(client, channel, count > 0);
    else if (type === 'unsubscribe' && client.joined.length === 0) client.socket?.sends(`-${channel}`);
    else if (type === 'answer') log.answer();
    else if (type === 'turn') await turn();
    else if (type === 'read') client.read();
    else if (type === 'cut') {
      client.read(count);
      client.cut();
    }
  }
  for (let round = 0; round < 5 || feed.asked.length > 0; round += 1) {
    log.answer();
    await turn();
  }
  for (const client of clients) {
    client.read();
    assert.deepEqual([...client.asked.keys()], []);
    for (const [channel, from] of client.next) {
      const missing = log.next(channel, from);
      // A lost record at the end of the partition, of which it has heard, or a newest one that was lost before it came.
      assert.equal(missing, undefined, `${channel} from ${from} has not got ${missing}`);
    }
    client.cut();
  }
  assert.deepEqual([rig.channels.size, rig.channels.subscriptions], [0, 0]);
}

test('a client gets each record of its channels once and in order, or hears that some are missing', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150, size: 'max' }), settings, (steps, limits) =>
      run(t, steps, limits),
    ),
    { numRuns: 200, includeErrorInReport: true },
  );
});
