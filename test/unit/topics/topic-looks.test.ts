import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopicLooks } from '../../../src/topics/topic-looks.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

/** Looks that the test answers, one after the other. */
class LooksRig {
  readonly clock = new HandClock();
  readonly pending: { show: (...names: string[]) => void; fail: () => void }[] = [];
  readonly looks: TopicLooks;

  constructor() {
    const topics = () =>
      new Promise<ReadonlyMap<string, number>>((resolve, reject) =>
        this.pending.push({
          show: (...names) => resolve(new Map(names.map((name) => [name, 1]))),
          fail: () => reject(new Error('away')),
        }),
      );
    this.looks = new TopicLooks({ topics }, this.clock);
  }
}

async function names(look: Promise<ReadonlyMap<string, number>>): Promise<string> {
  return [...(await look).keys()].join();
}

test('requests during a look share the next one, which shows the topics of that time', async () => {
  const { pending, looks } = new LooksRig();
  const first = names(looks.fresh());
  const others = Array.from({ length: 1_000 }, (_, n) => names(n % 2 === 0 ? looks.fresh() : looks.recent()));
  assert.equal(pending.length, 1);
  pending[0]?.show('a');
  await turn();
  assert.equal(pending.length, 2);
  const last = names(looks.fresh());
  pending[1]?.show('a', 'b');
  assert.equal(await first, 'a');
  assert.deepEqual(new Set(await Promise.all(others)), new Set(['a,b']));
  assert.equal(pending.length, 3);
  pending[2]?.show('c');
  assert.equal(await last, 'c');
});

test('a failed look rejects the requests that wait for it, and no others', async () => {
  const { pending, looks } = new LooksRig();
  const first = looks.fresh();
  const second = names(looks.fresh());
  pending[0]?.fail();
  await assert.rejects(first, /away/);
  pending[1]?.show('a');
  assert.equal(await second, 'a');
});

test('a recent look is at most a second old, and begins after the last creation', async () => {
  const { clock, pending, looks } = new LooksRig();
  const first = looks.recent();
  pending[0]?.show('a');
  await first;
  clock.advance(999);
  assert.equal(await names(looks.recent()), 'a');
  clock.advance(1);
  const underWay = names(looks.recent());
  assert.equal(pending.length, 2);
  looks.changed();
  pending[1]?.show('a');
  assert.equal(await underWay, 'a');
  const later = names(looks.recent());
  assert.equal(pending.length, 3, 'it began before the creation');
  pending[2]?.show('a', 'b');
  assert.equal(await later, 'a,b');
});
