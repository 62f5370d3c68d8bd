import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { Batch, Message } from 'tidegate/sdk';
import { LawGateway, operatorLaws } from 'tidegate/testing';
import quota, { Counters } from './quota.mjs';

for (const law of operatorLaws(quota)) test(law.title, law.check);

/** The operator with messages of keys, and what came of them. */
function running(settings) {
  const { context, clock } = new LawGateway();
  const operator = quota.create(quota.config.parse({ by: '${! key }', ...settings }), context);
  const seen = [];
  const host = {
    filter: (message) => seen.push(`${message.text} dropped`),
    fail: (message, { code, message: why }) => seen.push(`${message.text} ${code}: ${why}`),
  };
  const batches$ = new Subject();
  operator.apply(batches$, host).subscribe(({ messages }) => seen.push(...messages.map(({ text }) => text)));
  const send = (text, key) => batches$.next(new Batch([new Message(Buffer.from(text), { key })]));
  return { clock, seen, send };
}

test('each key has its own quota, and what is too much fails with when to come back', () => {
  const { seen, send } = running({ limit: 2, per: '10s' });
  for (const [text, key] of [
    ['1', 'a'],
    ['2', 'a'],
    ['3', 'a'],
    ['4', 'b'],
  ])
    send(text, key);
  assert.deepEqual(
    seen.map((line) => line.replace(/wait \d+/, 'wait N')),
    ['1', '2', '3 TG_LIMIT_REACHED: the quota of 2 is used up; wait N s', '4'],
  );
});

test('the window slides: what was used in the one before counts less and less', () => {
  const { clock, seen, send } = running({ limit: 4, per: '10s', when_over: 'drop' });
  clock.advance(10_000 - (clock.elapsed() % 10_000));
  for (const text of ['1', '2', '3', '4', '5']) send(text, 'a');
  clock.advance(10_000);
  send('6', 'a');
  clock.advance(5_000);
  for (const text of ['7', '8', '9']) send(text, 'a');
  assert.deepEqual(seen, ['1', '2', '3', '4', '5 dropped', '6 dropped', '7', '8', '9 dropped']);
});

test('a message without a key fails, and the others go on', () => {
  const { seen, send } = running({ limit: 1, by: '${! json.device }' });
  send('{}', null);
  send('{"device":"a"}', null);
  assert.deepEqual(seen, ['{} TG_MESSAGE_INVALID: ${! json.device } has no value', '{"device":"a"}']);
});

test('the keys that were used last are kept, and no more of them than the limit', () => {
  const counters = new Counters({ limit: 1, per: 1_000, keys: 2 });
  assert.equal(counters.take('a', 0), 0);
  assert.equal(counters.take('b', 0), 0);
  assert.ok(counters.take('a', 0) > 0);
  assert.equal(counters.take('c', 0), 0);
  assert.equal(counters.byKey.size, 2);
  assert.ok(counters.take('a', 0) > 0, 'a was used later than b');
  assert.equal(counters.take('b', 0), 0, 'b was forgotten');
});

test('a message passes once the time is over that was said', () => {
  for (const used of [1, 2, 3])
    for (const at of [0, 250, 999]) {
      const counters = new Counters({ limit: 3, per: 1_000, keys: 2 });
      for (let n = 0; n < used; n += 1) counters.take('a', 0);
      let now = at;
      for (let n = 0; n < 8; n += 1) {
        const wait = counters.take('a', now);
        if (wait === 0) continue;
        assert.equal(counters.take('a', now + wait + 0.001), 0, `${used} used, at ${now}, wait ${wait}`);
        now += wait + 0.001;
      }
    }
});

test('an expression that needs JSONata is refused, as an operator cannot wait for it', () => {
  const { error } = quota.config.safeParse({ limit: 1, by: '${! $uppercase(key) }' });
  assert.match(error.issues[0].message, /expected a path such as/);
});
