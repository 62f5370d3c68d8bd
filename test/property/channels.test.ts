import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OneOrSet } from '../../src/channels/subscribers/one-or-set.ts';
import { type Subscriber, Subscriptions } from '../../src/channels/subscribers/subscriptions.ts';

const CHANNELS = ['a', 'b', 'c', 'd'];
const CLIENTS = 4;

class Client implements Subscriber {
  channels: OneOrSet<string> | undefined = undefined;
}

/** The model: every pair of client and channel. */
type Model = { readonly pairs: Set<string> };
type Real = { readonly index: Subscriptions<Client>; readonly clients: readonly Client[] };

const pair = (client: number, channel: string) => `${client}/${channel}`;

function check({ pairs }: Model, { index, clients }: Real): void {
  assert.equal(index.size, pairs.size);
  assert.equal(index.channels, new Set([...pairs].map((one) => one.split('/')[1])).size);
  for (const channel of CHANNELS) {
    const held = index.of(channel);
    const listed = held instanceof Set ? [...held] : held === undefined ? [] : [held];
    const wanted = clients.filter((_, at) => pairs.has(pair(at, channel)));
    assert.deepEqual(new Set(listed), new Set(wanted));
    // One subscriber takes no set.
    if (wanted.length < 2) assert.ok(!(held instanceof Set));
  }
  for (const [at, client] of clients.entries()) {
    const wanted = CHANNELS.filter((channel) => pairs.has(pair(at, channel)));
    assert.deepEqual([...index.channelsOf(client)].sort(), wanted);
    assert.equal(index.countOf(client), wanted.length);
  }
}

class Subscribe implements fc.Command<Model, Real> {
  private readonly client: number;
  private readonly channel: string;

  constructor(client: number, channel: string) {
    this.client = client;
    this.channel = channel;
  }

  check = () => true;
  run(model: Model, real: Real): void {
    const isNew = !model.pairs.has(pair(this.client, this.channel));
    assert.equal(real.index.add(real.clients[this.client] as Client, this.channel), isNew);
    model.pairs.add(pair(this.client, this.channel));
    check(model, real);
  }
  toString = () => `subscribe(${this.client}, ${this.channel})`;
}

class Unsubscribe implements fc.Command<Model, Real> {
  private readonly client: number;
  private readonly channel: string;

  constructor(client: number, channel: string) {
    this.client = client;
    this.channel = channel;
  }

  check = () => true;
  run(model: Model, real: Real): void {
    const wasIn = model.pairs.delete(pair(this.client, this.channel));
    assert.equal(real.index.remove(real.clients[this.client] as Client, this.channel), wasIn);
    check(model, real);
  }
  toString = () => `unsubscribe(${this.client}, ${this.channel})`;
}

class Close implements fc.Command<Model, Real> {
  private readonly client: number;

  constructor(client: number) {
    this.client = client;
  }

  check = () => true;
  run(model: Model, real: Real): void {
    real.index.removeAll(real.clients[this.client] as Client);
    for (const channel of CHANNELS) model.pairs.delete(pair(this.client, channel));
    check(model, real);
  }
  toString = () => `close(${this.client})`;
}

test('subscriptions are what a naive model says, whatever clients subscribe to, leave and close', () => {
  const client = fc.nat(CLIENTS - 1);
  const channel = fc.constantFrom(...CHANNELS);
  const commands = fc.commands(
    [
      fc.tuple(client, channel).map(([at, name]) => new Subscribe(at, name)),
      fc.tuple(client, channel).map(([at, name]) => new Unsubscribe(at, name)),
      client.map((at) => new Close(at)),
    ],
    { maxCommands: 60 },
  );
  fc.assert(
    fc.property(commands, (all) => {
      const setup = () => ({
        model: { pairs: new Set<string>() },
        real: { index: new Subscriptions<Client>(), clients: Array.from({ length: CLIENTS }, () => new Client()) },
      });
      fc.modelRun(setup, all);
    }),
    { numRuns: 300 },
  );
});
