import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { MatchedTopics } from '../../../src/actors/matched-topics.ts';
import type { Batch } from '../../../src/core/batch.ts';
import { topicSource } from '../../../src/pipelines/sources/topic.ts';
import type { SubscribeOptions } from '../../../src/sdk/context.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { HandClock } from '../core/hand-clock.ts';
import { fakeContext, settled } from '../pipelines/parts.ts';

/** What a topic source asks the gateway for. */
function asked(config: object): SubscribeOptions {
  const { context, asked: options } = fakeContext();
  topicSource.create(topicSource.config.parse(config), context);
  assert.ok(options[0]);
  return options[0];
}

function matched(config: object, there: string[]) {
  const { topics, patterns = [], maxTopics = 1_000 } = asked(config);
  const orders: string[] = [];
  const clock = new HandClock();
  const source = {
    batches$: new Subject<Batch>(),
    open: async () => void orders.push('open'),
    pause: () => void orders.push('pause'),
    resume: () => void orders.push('resume'),
    close: async () => void orders.push('close'),
    read: async (names: readonly string[], areNew: boolean) =>
      void orders.push(`${areNew ? 'then' : 'read'} ${names.join()}`),
  };
  const whole = new MatchedTopics(source, {
    admin: { topics: async () => new Map(there.map((name) => [name, 1])) },
    topics,
    patterns,
    isExcluded: (name) => name.startsWith('_') || name === 'orders.dlt',
    max: maxTopics,
    clock,
    logger: createLogger({ level: 'silent' }),
  });
  const look = async () => {
    clock.advance(5_000);
    await settled();
    await settled();
  };
  return { whole, orders, there, look };
}

test('a name with * and a regular expression mean whole names, and a dot in a name means a dot', () => {
  const { topics, patterns = [] } = asked({ names: ['plain', 'orders.*', { pattern: 'a|b[0-9]+' }] });
  assert.deepEqual(topics, ['plain']);
  const means = (name: string) => patterns.some((pattern) => pattern.test(name));
  assert.deepEqual(['orders.eu', 'orders.', 'ordersXeu', 'my.orders.eu', 'a', 'ab', 'b12', 'xb12'].filter(means), [
    'orders.eu',
    'orders.',
    'a',
    'b12',
  ]);
});

test('topics that are created join and deleted ones leave; own and internal ones are never read', async () => {
  const { whole, orders, there, look } = matched({ names: ['fixed', '*'] }, ['orders.a', 'orders.dlt', '_tidegate.x']);
  await whole.open();
  assert.deepEqual(orders, ['read fixed,orders.a', 'open']);
  await look();
  assert.equal(orders.length, 2, 'nothing has changed');
  there.push('orders.b');
  await look();
  assert.equal(orders.at(-1), 'then fixed,orders.a,orders.b');
  there.splice(0, 1);
  await look();
  assert.equal(orders.at(-1), 'then fixed,orders.b');
  await whole.close();
  await look();
  assert.equal(orders.at(-1), 'close');
});

test('a pattern that matches nothing yet reads the first topic from its start, paused if its pipeline is', async () => {
  const { whole, orders, there, look } = matched({ names: ['orders.*'] }, []);
  await whole.open();
  whole.pause();
  there.push('orders.a');
  await look();
  assert.deepEqual(orders, ['read ', 'then orders.a', 'open', 'pause']);
  there.length = 0;
  await look();
  assert.deepEqual(orders.slice(4), ['then ', 'close']);
});

test('a pattern that matches too many topics fails the pipeline at the start, and later reads no more', async () => {
  const settings = { names: ['orders.*'], max_topics: 2 };
  const many = matched(settings, ['orders.a', 'orders.b', 'orders.c']);
  await assert.rejects(many.whole.open(), {
    code: 'TG_CONFIG_INVALID',
    message: 'orders.* matches 3 topics, more than max_topics (2); make the pattern narrower, or raise max_topics',
  });
  const growing = matched(settings, ['orders.a', 'orders.b']);
  await growing.whole.open();
  growing.there.push('orders.c');
  await growing.look();
  assert.equal(growing.orders.length, 2);
});
