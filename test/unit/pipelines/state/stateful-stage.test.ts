import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Subject } from 'rxjs';
import { Batch } from '../../../../src/core/batch.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';
import type { PartitionPort, StatefulOperator } from '../../../../src/core/stateful-operator.ts';
import { window } from '../../../../src/pipelines/operators/window/window.ts';
import { ProcessorFailure } from '../../../../src/pipelines/processor-failure.ts';
import { compileStages } from '../../../../src/pipelines/stages.ts';
import { Outgoing } from '../../../../src/pipelines/state/outgoing.ts';
import { PartitionProgress } from '../../../../src/pipelines/state/progress.ts';
import { StatefulStage } from '../../../../src/pipelines/state/stateful-stage.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { fakeContext, settled } from '../parts.ts';

const PLACE = { topic: 't', partition: 0 };

/** Gives out each record's text when the watermark is 10 behind it; "bad" fails, "slow" is taken later. */
function echo(idle?: number): StatefulOperator {
  return {
    lateness: 0,
    idle,
    timeOf: ({ timestamp }) => timestamp,
    partition: (port: PartitionPort) => {
      const waiting: { end: number; text: string; hold: ReturnType<PartitionPort['hold']> }[] = [];
      return {
        size: { keys: 0, bytes: 0 },
        take: (record, time) => {
          if (record.text === 'bad') throw new TidegateError('TG_MESSAGE_INVALID', 'it is bad');
          waiting.push({ end: time + 10, text: record.text, hold: port.hold(record) });
          waiting.sort((one, other) => one.end - other.end);
          return record.text === 'slow' ? new Promise((resolve) => setImmediate(() => resolve(undefined))) : undefined;
        },
        advance: () => {
          for (let [first] = waiting; first !== undefined && first.end <= port.watermark; [first] = waiting) {
            waiting.shift();
            const { end, text, hold } = first;
            port.give({ end, results: [new Message(Buffer.from(text))], done: () => port.release(hold) });
          }
        },
      };
    },
  };
}

/** Each record completes a result of its own text. Ticks give out "tick". */
function completing(): StatefulOperator {
  return {
    lateness: 0,
    idle: undefined,
    every: 100,
    timeOf: ({ timestamp }) => timestamp,
    partition: (port: PartitionPort) => ({
      size: { keys: 0, bytes: 0 },
      take: (record) => {
        port.give({ by: record, results: [new Message(Buffer.from(record.text))] });
        port.release(port.hold(record), record);
        return undefined;
      },
      advance: () => {},
      tick: () => port.give({ results: [new Message(Buffer.from('tick'))], holds: [], done: () => {} }),
    }),
  };
}

/** A stage whose results are settled by hand. */
class Rig {
  readonly clock = new HandClock();
  readonly stage: StatefulStage;
  readonly source = new Subject<Batch>();
  readonly given: Message[] = [];
  readonly acked: number[] = [];
  readonly failed: string[] = [];
  isOpen = true;
  readonly opened = new Subject<void>();
  sinceEnd: number | undefined = 0;

  constructor(idle?: number, operator = echo(idle), hasGroup = true) {
    this.stage = new StatefulStage(operator, this.clock);
    this.stage.readFrom(hasGroup ? { keepState: () => () => this.sinceEnd } : {});
    const rig = this;
    this.stage
      .apply(this.source, {
        admit: (batch) => batch,
        get isOpen() {
          return rig.isOpen;
        },
        opened$: this.opened,
      })
      .subscribe((batch) => this.given.push(...batch.messages));
  }

  /** Records by their offsets and times. */
  reads(...records: readonly [offset: number, time: number, text?: string][]): void {
    const messages = records.map(([offset, timestamp, text = String(offset)]) => {
      const target = {
        settled: (message: Message, failure: TidegateError | null) => {
          if (failure === null) this.acked.push(message.offset);
          else this.failed.push(`${message.offset} ${failure.code}`);
        },
      };
      return new Message(Buffer.from(text), { ...PLACE, offset, timestamp, target });
    });
    this.source.next(new Batch(messages));
  }

  texts(): string[] {
    return this.given.map(({ text }) => text);
  }
}

test('a record that an operator with state refuses says at which place of the pipeline', () => {
  const config = window.config.parse({ tumbling: '1m', aggregate: { n: 'count' } });
  const [made] = compileStages([{ spec: window, config }], { contextOf: () => fakeContext().context });
  assert.ok(made !== undefined && 'stateful' in made);
  made.stateful.readFrom({});
  const source = new Subject<Batch>();
  made.stateful.apply(source, { admit: (batch) => batch, isOpen: true, opened$: new Subject() }).subscribe();
  const failures: (TidegateError | null)[] = [];
  const target = { settled: (_: Message, failure: TidegateError | null) => failures.push(failure) };
  source.next(new Batch([new Message(Buffer.from('{}'), { ...PLACE, offset: 0, timestamp: 1, target })]));
  const [failure] = failures;
  assert.ok(failure instanceof ProcessorFailure);
  assert.equal(failure.place, 'processors[0].window');
});

describe('a stage with state', () => {
  test('acks what it has taken in, and says in each commit where the state is rebuilt from', () => {
    const rig = new Rig();
    assert.equal(rig.stage.assigned(PLACE, 5, undefined), 5);
    rig.reads([5, 100], [6, 104]);
    assert.deepEqual(rig.acked, [5, 6]);
    assert.deepEqual(rig.stage.note(PLACE, 7), { replay: 5, watermark: Number.MIN_SAFE_INTEGER, through: 104 });
    rig.reads([7, 130]);
    assert.deepEqual(rig.texts(), ['5', '6']);
    assert.deepEqual(rig.stage.note(PLACE, 8)?.through, 109, 'the log does not have the first result');
    rig.given[0]?.ack();
    assert.deepEqual(rig.stage.note(PLACE, 8)?.through, 113);
    rig.given[1]?.ack();
    assert.deepEqual(rig.stage.note(PLACE, 8)?.through, 130);
  });

  test('gives nothing out again that was in the log by the note it is handed', () => {
    const rig = new Rig();
    assert.equal(rig.stage.assigned(PLACE, 7, { replay: 5, watermark: 90, through: 110 }), 5);
    rig.reads([5, 100], [6, 104], [7, 130]);
    assert.deepEqual(rig.texts(), ['6']);
  });

  test('a result that did not reach the log stays one that is to be given out again', () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 0, undefined);
    rig.reads([0, 100], [1, 200]);
    rig.given[0]?.nack(new TidegateError('TG_STOPPING', 'the gateway stops'));
    assert.equal(rig.stage.note(PLACE, 2)?.through, 109);
    assert.equal(rig.stage.note(PLACE, 2)?.replay, 0);
  });

  test('a window that would be given out again is whole: its records are kept until earlier ones are stored', () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 5, undefined);
    rig.reads([5, 104], [300, 100], [301, 130]);
    assert.deepEqual(rig.texts(), ['300', '5']);
    rig.given[1]?.ack();
    const { replay, through } = rig.stage.note(PLACE, 302) ?? {};
    assert.deepEqual({ replay, through }, { replay: 5, through: 109 });
    rig.given[0]?.ack();
    assert.deepEqual(rig.stage.note(PLACE, 302)?.through, 130);
    assert.ok((rig.stage.note(PLACE, 302)?.replay ?? 0) >= 300);
  });

  test('a flow that starts again has no state until partitions are assigned', () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 0, undefined);
    rig.reads([0, 100]);
    rig.stage.apply(rig.source, { admit: (batch) => batch, isOpen: true, opened$: rig.opened }).subscribe();
    assert.equal(rig.stage.note(PLACE, 1), undefined);
  });

  test('a record that fails moves the time on as it would when it is read again', () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 0, undefined);
    rig.reads([0, 100], [1, 200, 'bad']);
    assert.deepEqual(rig.failed, ['1 TG_MESSAGE_INVALID']);
    assert.deepEqual(rig.texts(), ['0']);
  });

  test('keeps the order of records where one takes longer', async () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 0, undefined);
    rig.reads([0, 100, 'slow'], [1, 101], [2, 200]);
    assert.deepEqual(rig.acked, []);
    await settled();
    await settled();
    assert.deepEqual(rig.acked, [0, 1, 2]);
    assert.deepEqual(rig.texts(), ['slow', '1']);
  });

  test('holds results back while the pipeline has no room, and gives them when it has', () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 0, undefined);
    rig.isOpen = false;
    rig.reads([0, 100], [1, 200]);
    assert.deepEqual(rig.texts(), []);
    rig.isOpen = true;
    rig.opened.next();
    assert.deepEqual(rig.texts(), ['0']);
  });

  test('gives out as many results as there are sessions without going through all that wait for each', () => {
    const outgoing = new Outgoing();
    const progress = new PartitionProgress(0, undefined);
    progress.advance(1);
    for (let at = 0; at < 200_000; at += 1) {
      const pending = progress.gaveOut(1, () => {});
      outgoing.add(
        [new Message(Buffer.alloc(0))],
        () => progress.landed(pending),
        () => 'ready',
      );
    }
    const results: Message[] = [];
    const begun = performance.now();
    for (let batch = outgoing.next(); batch !== undefined; batch = outgoing.next()) results.push(...batch.messages);
    for (const result of results) result.ack();
    assert.ok(performance.now() - begun < 3_000, `it took ${performance.now() - begun} ms`);
    assert.equal(results.length, 200_000);
    assert.equal(progress.note(1).through, 1);
  });

  test('what a commit covers is not read again, also where a later record completed something before', () => {
    const progress = new PartitionProgress(0, undefined, 1);
    const [first, later] = [0, 1].map((offset) => {
      progress.read(offset);
      progress.pass();
      progress.takes(offset);
      return progress.hold(offset);
    });
    assert.ok(first && later);
    progress.release(later, 5);
    progress.releaseBehind(first, 1);
    assert.equal(progress.note(1).replay, 1);
  });

  test('a record of a partition that is not ours any more is given up without a trace', () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 0, undefined);
    rig.stage.revoked(PLACE);
    rig.reads([0, 100], [1, 200]);
    assert.deepEqual(rig.acked, [0, 1]);
    assert.deepEqual(rig.texts(), []);
    assert.equal(rig.stage.note(PLACE, 2), undefined);
  });

  test('a record that came by an assignment that is over is given up: it is read again', () => {
    const rig = new Rig();
    rig.stage.assigned(PLACE, 0, undefined);
    const message = new Message(Buffer.from('old'), {
      ...PLACE,
      offset: 0,
      timestamp: 100,
      target: { isRevoked: true, settled: () => {} },
    });
    const [part] = message.split([{ payload: Buffer.from('part of it') }]);
    rig.stage.revoked(PLACE);
    rig.stage.assigned(PLACE, 0, undefined);
    rig.source.next(new Batch([part as Message]));
    rig.reads([0, 100], [1, 200]);
    assert.deepEqual([message.isSettled, rig.texts()], [true, ['0']]);
  });

  test('a record is acked with what it completed, and is needed until its offset is committed', () => {
    const rig = new Rig(undefined, completing());
    rig.stage.assigned(PLACE, 0, undefined);
    rig.reads([0, 100], [1, 100]);
    assert.deepEqual(rig.texts(), ['0', '1']);
    rig.given[1]?.ack();
    assert.deepEqual(rig.acked, [], 'what was given out before is not stored');
    assert.equal(rig.stage.note(PLACE, 0)?.replay, 0);
    rig.given[0]?.ack();
    assert.deepEqual(rig.acked, [0, 1]);
    assert.equal(rig.stage.note(PLACE, 2)?.replay, 0);
  });

  test('results that records wait for go on one batch at a time while the pipeline has no room', () => {
    const rig = new Rig(undefined, completing());
    rig.stage.assigned(PLACE, 0, undefined);
    rig.isOpen = false;
    rig.reads(...Array.from({ length: 300 }, (_, offset): [number, number] => [offset, 100]));
    assert.equal(rig.given.length, 256);
    for (const result of rig.given.slice(0, 255)) result.ack();
    assert.equal(rig.given.length, 256);
    rig.given[255]?.ack();
    assert.equal(rig.given.length, 300);
    for (const result of rig.given.slice(256)) result.ack();
    assert.equal(rig.acked.length, 300);
  });

  test('the same where results wait for transactions: each of them counts once', () => {
    const rig = new Rig(undefined, completing());
    rig.stage.assigned(PLACE, 0, undefined);
    rig.isOpen = false;
    for (const offset of [0, 1]) {
      rig.reads([offset, 100]);
      const result = rig.given[offset];
      result?.stage();
      result?.ack();
    }
    assert.deepEqual(
      [rig.texts(), rig.acked],
      [
        ['0', '1'],
        [0, 1],
      ],
    );
  });

  test('a replayed record completes nothing a second time', () => {
    const rig = new Rig(undefined, completing());
    rig.stage.assigned(PLACE, 1, { replay: 0, watermark: 0, through: 0 });
    const replayed = new Message(Buffer.from('0'), { ...PLACE, offset: 0, timestamp: 100 });
    replayed.isReplayed = true;
    rig.source.next(new Batch([replayed]));
    rig.reads([1, 100]);
    assert.deepEqual(rig.texts(), ['1']);
  });

  test('the clock gives an operator its ticks, in each partition, until the flow ends', () => {
    const rig = new Rig(undefined, completing());
    rig.stage.assigned(PLACE, 0, undefined);
    rig.stage.assigned({ topic: 't', partition: 1 }, 0, undefined);
    rig.clock.advance(250);
    assert.deepEqual(rig.texts(), ['tick', 'tick', 'tick', 'tick']);
    rig.source.complete();
    assert.equal(rig.clock.pending, 0);
  });

  test('without a group a partition is known by its first record, and nothing is kept of what was read', () => {
    const rig = new Rig(1_000, echo(1_000), false);
    rig.reads([70, 100], [71, 120]);
    assert.deepEqual(rig.texts(), ['70']);
    assert.deepEqual(rig.acked, [70, 71]);
    rig.clock.advance(2_000);
    assert.deepEqual(rig.texts(), ['70', '71']);
  });

  test('an idle partition follows the clock again, also where a processor drops the last that is read again', () => {
    const rig = new Rig(1_000);
    rig.stage.assigned(PLACE, 3, { replay: 0, watermark: 0, through: 0 });
    rig.reads([0, 100]);
    rig.clock.advance(2_000);
    assert.deepEqual(rig.texts(), [], 'the next ones may come still');
    rig.stage.committable(PLACE, 3);
    rig.clock.advance(2_000);
    assert.deepEqual(rig.texts(), ['0']);
  });

  test('an idle partition follows the clock, but not while records may wait for it', () => {
    const rig = new Rig(1_000);
    rig.stage.assigned(PLACE, 0, undefined);
    rig.sinceEnd = undefined;
    rig.reads([0, rig.clock.now()]);
    rig.clock.advance(2_000);
    assert.deepEqual(rig.texts(), []);
    rig.sinceEnd = 0;
    rig.isOpen = false;
    rig.clock.advance(1_000);
    assert.deepEqual(rig.texts(), []);
    rig.isOpen = true;
    rig.clock.advance(1_000);
    assert.deepEqual(rig.texts(), ['0']);
  });
});

test('results that throw, or are none, end the flow with the place of the operator, also later', () => {
  const results: Record<string, () => Iterable<Message>> = {
    throwing: function* () {
      yield new Message(Buffer.from('first'));
      throw new Error('no more');
    },
    other: () => ['text'] as unknown as Message[],
  };
  for (const [name, reason] of [
    ['throwing', 'processors[0].mine: no more'],
    ['other', 'processors[0].mine: it gave a result that is not a Message'],
    ['tick', 'processors[0].mine: no time'],
  ] as const) {
    const clock = new HandClock();
    const operator: StatefulOperator = {
      lateness: 0,
      idle: undefined,
      every: 100,
      timeOf: ({ timestamp }) => timestamp,
      partition: (port) => ({
        size: { keys: 0, bytes: 0 },
        take: (record) => {
          const given = results[record.text];
          if (given !== undefined) port.give({ by: record, results: given() });
          return undefined;
        },
        advance: () => {},
        tick: () => {
          throw new Error('no time');
        },
      }),
    };
    const stage = new StatefulStage(operator, clock, undefined, 'processors[0].mine');
    stage.readFrom({ keepState: () => () => 0 });
    const source = new Subject<Batch>();
    const opened = new Subject<void>();
    const host = { admit: (batch: Batch) => batch, isOpen: false, opened$: opened };
    const failures: string[] = [];
    stage.apply(source, host).subscribe({ error: ({ message }: Error) => failures.push(message) });
    stage.assigned(PLACE, 0, undefined);
    source.next(new Batch([new Message(Buffer.from(name), { ...PLACE, offset: 0, timestamp: 1 })]));
    if (name === 'tick') clock.advance(100);
    else {
      host.isOpen = true;
      opened.next();
    }
    assert.deepEqual(failures, [reason]);
  }
});
