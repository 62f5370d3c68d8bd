import assert from 'node:assert/strict';
import { test } from 'node:test';
import { map, NEVER, Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import { Message } from '../../../src/core/message.ts';
import { buildFlow, type Stage } from '../../../src/pipelines/flow.ts';
import type { Watcher } from '../../../src/pipelines/tap-point.ts';
import { TapPoints } from '../../../src/pipelines/tap-points.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, countingOptions, HandSink, inFlightOf } from './parts.ts';

const marked = (sign: string) => (message: Message) => message.derive({ payload: Buffer.from(message.text + sign) });

/** Two processors, an operator, and a try in which messages with `x` fail. */
const stagesOf = (): Stage[] => [
  {
    processors: [
      { place: 'a', process: marked('1') },
      { place: 'b', process: (message) => Promise.resolve([marked('2')(message)]) },
    ],
  },
  {
    operator: { place: 'c', apply: (batches$) => batches$.pipe(map((batch) => new Batch(batch.messages.slice(0, 1)))) },
  },
  {
    processors: [
      {
        place: 'd',
        attempt: [
          {
            process: (message) => {
              if (message.text.includes('x')) throw new Error('no');
              return marked('3')(message);
            },
          },
        ],
        rescue: [{ process: marked('4') }],
      },
    ],
  },
];

function seen(): Watcher & { readonly texts: string[]; ends: number } {
  const texts: string[] = [];
  const watcher = {
    texts,
    ends: 0,
    observe: (messages: readonly Message[]) => void texts.push(...messages.map(({ text }) => text)),
    ended: () => {
      watcher.ends += 1;
    },
  };
  return watcher;
}

function flowOf(stages: readonly Stage[], taps: TapPoints) {
  const source = new Subject<Batch>();
  const flush = new Subject<void>();
  const out: Batch[] = [];
  buildFlow(source, {
    inFlight: inFlightOf().inFlight,
    batch: { count: 100, bytes: 1_000_000, period: 60_000 },
    stages,
    sink: new HandSink(),
    processing: countingOptions().options,
    flush$: flush,
    opened$: NEVER,
    clock: new HandClock(),
    taps,
  }).subscribe((batch) => out.push(batch));
  const log = new SettleLog();
  return async (...texts: string[]) => {
    source.next(batchOf(...texts.map((text) => log.message(text))));
    flush.next();
    await new Promise(setImmediate);
  };
}

test('messages are seen at the source, behind each processor, and not after a watcher has gone', async () => {
  const stages = stagesOf();
  const taps = new TapPoints(stages);
  const send = flowOf(stages, taps);
  const watchers = [0, 1, 2, 3, 4].map((at) => {
    const watcher = seen();
    return { watcher, unwatch: taps.at(at)?.watch(watcher) };
  });
  await send('u', 'v');
  await send('x');
  for (const { unwatch } of watchers) unwatch?.();
  await send('w');
  assert.deepEqual(
    watchers.map(({ watcher }) => watcher.texts),
    [
      ['u', 'v', 'x'],
      ['u1', 'v1', 'x1'],
      ['u12', 'v12', 'x12'],
      ['u12', 'x12'],
      ['u123', 'x124'],
    ],
  );
});

test('places have the names of the configuration, and the last one is what the sink gets', () => {
  const taps = new TapPoints(stagesOf());
  assert.equal(taps.last, 5);
  assert.equal(new TapPoints([]).at(1)?.place, 'sink');
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, -1].map((at) => taps.at(at)?.place),
    ['source', 'a', 'b', 'c', 'd', 'sink', undefined, undefined],
  );
});

test('a processor without a watcher is the one that its pipeline was made with', () => {
  const stages = stagesOf();
  const [first] = (stages[0] as { processors: { process: unknown }[] }).processors;
  const { process } = first ?? assert.fail();
  const taps = new TapPoints(stages);
  assert.equal(first?.process, process);
  const unwatch = [taps.at(1)?.watch(seen()), taps.at(1)?.watch(seen())];
  assert.notEqual(first?.process, process);
  unwatch[0]?.();
  assert.notEqual(first?.process, process);
  unwatch[1]?.();
  assert.equal(first?.process, process);
  assert.equal(taps.source.observe, undefined);
});

test('watchers hear once that their pipeline has ended', () => {
  const taps = new TapPoints(stagesOf());
  const watchers = [0, 2, 5].map((at) => {
    const watcher = seen();
    taps.at(at)?.watch(watcher);
    return watcher;
  });
  taps.end();
  taps.end();
  assert.deepEqual(
    watchers.map(({ ends }) => ends),
    [1, 1, 1],
  );
  assert.equal(taps.sink.observe, undefined);
});

test('a processor that is watched has itself as this', () => {
  const step = {
    place: 'a',
    sign: '!',
    process(message: Message) {
      return marked(this.sign)(message);
    },
  };
  const watcher = seen();
  const unwatch = new TapPoints([{ processors: [step] }]).at(1)?.watch(watcher);
  const message = new Message(Buffer.from('m'));
  step.process(message);
  assert.deepEqual(watcher.texts, ['m!']);
  unwatch?.();
  step.process(message);
  assert.deepEqual(watcher.texts, ['m!']);
});
