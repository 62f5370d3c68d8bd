import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Batch } from '../../src/core/batch.ts';
import { TidegateError } from '../../src/core/errors.ts';
import { Dialer } from '../../src/feeds/connection/dialer.ts';
import { RemoteMetrics } from '../../src/feeds/reports/metrics.ts';
import { RemoteSink } from '../../src/feeds/sink/remote-sink.ts';
import { Feed } from '../../src/feeds/source/feed.ts';
import { compileConnectUrl } from '../../src/sdk/connect-url.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { HandClock } from '../unit/core/hand-clock.ts';
import { SettleLog } from '../unit/core/settle-log.ts';
import { FakeNetwork, feedSettings, remoteContext, sinkSettings } from '../unit/feeds/fake-remote.ts';
import { MemoryCursors } from '../unit/feeds/memory-cursors.ts';
import { batchOf } from '../unit/pipelines/parts.ts';

const logger = createLogger({ level: 'silent' });
const INITIAL = 100;
const MAX = 5_000;
const backoff = { initial: `${INITIAL}ms`, max: `${MAX}ms` };

/** What server, network, pipeline and time do. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ type: 'open' } as const) },
  { weight: 3, arbitrary: fc.constant({ type: 'end' } as const) },
  { weight: 2, arbitrary: fc.constant({ type: 'reply' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'pause' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'resume' } as const) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('time' as const), by: fc.integer({ min: 1, max: 20_000 }) }) },
);

test('a dialer never waits longer than its maximum, never gives up, and has at most one socket', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, hasReply) => {
      const network = new FakeNetwork();
      const clock = new HandClock();
      let lives = 0;
      const subscribe = hasReply ? [{ send: 'a', expect: { ok: true } }] : [];
      const context = remoteContext(network, { clock, logger });
      const settings = feedSettings({ reconnect: { backoff }, subscribe, connect_timeout: '2s' });
      const metrics = new RemoteMetrics('u', context);
      const dialer = new Dialer(
        { url: compileConnectUrl('ws://feed.example', 'ws'), name: 'feed', settings, metrics, context },
        {
          connects: () => undefined,
          lastCursor: () => undefined,
          live: () => {
            lives += 1;
          },
          ready() {},
          frame() {},
          pong() {},
          lost() {},
          takesOver: () => false,
          failed: () => assert.fail('gave up'),
        },
      );
      dialer.open();
      const opened = new Set<unknown>();
      for (const each of steps) {
        const socket = network.alive.at(-1);
        if (each.type === 'time') clock.advance(each.by);
        else if (each.type === 'pause') dialer.pause();
        else if (each.type === 'resume') dialer.resume();
        else if (each.type === 'open' && socket !== undefined && !opened.has(socket)) {
          opened.add(socket);
          socket.opens();
        } else if (each.type === 'end') socket?.ends();
        else if (each.type === 'reply' && opened.has(socket)) socket?.says('{"ok":true}');
        assert.ok(network.alive.length <= 1);
        if (network.alive.length === 0) assert.equal(dialer.state, 'waiting');
      }
      assert.ok(network.mostAtOnce <= 1);
      // Whatever happened, there is a socket again before the ceiling is over, and it can go live.
      network.alive.at(-1)?.ends();
      const dialled = network.sockets.length;
      const since = clock.time;
      while (network.sockets.length === dialled) clock.advance(10);
      assert.ok(clock.time - since <= MAX + 10, `${clock.time - since} ms`);
      const before = lives;
      network.last.opens();
      if (hasReply) network.last.says('{"ok":true}');
      assert.equal(lives, before + 1);
      void dialer.close();
      clock.advance(10_000);
      assert.deepEqual(network.alive, []);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});

/** What becomes of a feed of which every message has a number. */
const feedStep = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('say' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 3, arbitrary: fc.constant({ type: 'turn' } as const) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('settle' as const), at: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'lose' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'break' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'abandon' } as const) },
);

test('a feed that resumes loses and duplicates nothing through lost connections, failures and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(feedStep, { maxLength: 50 }), async (steps) => {
      const run = new FeedRun();
      await run.start();
      for (const each of steps) {
        if (each.type === 'say') run.say(each.count);
        else if (each.type === 'turn') await turn();
        else if (each.type === 'settle') run.settle(each.at);
        else if (each.type === 'lose') run.lose();
        else if (each.type === 'break') await run.breakPipeline();
        else if (each.type === 'restart') await run.restart();
        else await run.abandon();
      }
      await run.restart();
      await run.stop();
      const all = Array.from({ length: run.last }, (_, n) => n + 1);
      // Only a gateway that could not settle what it had may store again what came behind that.
      const isOnce = steps.every(({ type }) => type !== 'abandon');
      const stored = isOnce ? run.stored : [...new Set(run.stored)];
      assert.deepEqual(
        stored.sort((a, b) => a - b),
        all,
      );
    }),
    { numRuns: 150 },
  );
});

test('a sink sends every record in order, and sends only unconfirmed ones again', () => {
  const sinkStep = fc.constantFrom('write', 'open', 'end', 'confirm', 'time');
  fc.assert(
    fc.property(fc.array(sinkStep, { maxLength: 80 }), fc.constantFrom('written', 'pong'), (steps, confirm) => {
      const network = new FakeNetwork();
      const clock = new HandClock();
      const settings = sinkSettings({ confirm, reconnect: { backoff } });
      const sink = new RemoteSink(settings, remoteContext(network, { clock, logger }));
      void sink.open();
      const log = new SettleLog();
      const opened = new Set<unknown>();
      let count = 0;
      const confirmAll = () => {
        const socket = network.last;
        if (socket.isEnded) return;
        socket.drains();
        for (const ping of socket.pings.splice(0)) socket.pongs(ping);
      };
      for (const each of [...steps, 'end', 'time', 'open', 'confirm']) {
        const socket = network.alive.at(-1);
        if (each === 'write') sink.write(batchOf(log.message(String(count++), { token: count })));
        else if (each === 'open' && socket !== undefined && !opened.has(socket)) {
          opened.add(socket);
          socket.opens();
        } else if (each === 'end') socket?.ends();
        else if (each === 'confirm') confirmAll();
        else if (each === 'time') clock.advance(MAX);
      }
      assert.equal(log.outcomes.length, count);
      assert.ok(log.outcomes.every((outcome) => outcome === 'ack'));
      // On each connection the numbers rise one by one, and none begins behind what was never sent before.
      let known = 0;
      for (const { sent } of network.sockets) {
        for (const [at, text] of sent.entries()) if (at > 0) assert.equal(Number(text), Number(sent[at - 1]) + 1);
        if (sent.length === 0) continue;
        assert.ok(Number(sent[0]) <= known);
        known = Math.max(known, Number(sent.at(-1)) + 1);
      }
      assert.equal(known, count);
      void sink.close();
    }),
    { numRuns: 300 },
  );
});

// Helpers

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

/** A feed of numbers that can go on behind any of them, a pipeline, and a log that stores what is acked. */
class FeedRun {
  readonly stored: number[] = [];
  /** The last number that the server has ever said. */
  last = 0;
  private readonly cursors = new MemoryCursors();
  private readonly clock = new HandClock();
  private network = new FakeNetwork();
  private feed = this.made();
  private batches: Batch[] = [];
  private subscription = this.listen();

  async start(): Promise<void> {
    await this.feed.open();
    this.greet();
  }

  say(count: number): void {
    for (let n = 0; n < count; n++) {
      this.last += 1;
      this.network.last.says(JSON.stringify({ seq: this.last }));
    }
  }

  settle(at: number): void {
    const open = this.open();
    const message = open[at % Math.max(1, open.length)];
    if (message === undefined) return;
    this.stored.push((message.json as { seq: number }).seq);
    message.ack();
  }

  lose(): void {
    this.network.last.ends();
    // Said while no client listened.
    this.last += 2;
    this.clock.advance(MAX);
    this.greet();
  }

  async breakPipeline(): Promise<void> {
    for (const message of this.open()) message.nack(new TidegateError('TG_FLOW_FAILED', 'broke'));
    this.subscription.unsubscribe();
    await this.feed.close();
    this.subscription = this.listen();
    await this.feed.open();
    this.greet();
  }

  /** As a gateway stops: drained, then settled, then closed; and then another one starts. */
  async restart(): Promise<void> {
    await this.stop();
    await this.startAnother();
  }

  private async startAnother(): Promise<void> {
    this.network = new FakeNetwork();
    this.feed = this.made();
    this.subscription = this.listen();
    await this.start();
  }

  /** As a gateway stops while the log is away: what is not settled by then never will be. */
  async abandon(): Promise<void> {
    void this.feed.drain();
    for (const message of this.open()) message.nack(new TidegateError('TG_STOPPING', 'stopped'));
    this.subscription.unsubscribe();
    await this.feed.close();
    await this.startAnother();
  }

  async stop(): Promise<void> {
    void this.feed.drain();
    this.catchUp();
    this.subscription.unsubscribe();
    await this.feed.close();
  }

  private catchUp(): void {
    while (this.open().length > 0) this.settle(0);
  }

  private open() {
    return this.batches.flatMap(({ messages }) => messages).filter((message) => !message.isSettled);
  }

  /** The server repeats what came behind the cursor that it gets. */
  private greet(): void {
    this.network.last.opens();
    const [resume] = this.network.last.sent;
    const after = resume === undefined ? 0 : (JSON.parse(resume) as { after: number }).after;
    for (let n = after + 1; n <= this.last; n++) this.network.last.says(JSON.stringify({ seq: n }));
  }

  private listen() {
    return this.feed.batches$.subscribe((batch) => this.batches.push(batch));
  }

  private made(): Feed {
    const settings = feedSettings({
      reconnect: { backoff },
      resume: { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } },
    });
    const gateway = { cursors: () => this.cursors };
    return new Feed(settings, remoteContext(this.network, { clock: this.clock, logger, gateway }));
  }
}
