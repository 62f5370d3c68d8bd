import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Subject } from 'rxjs';
import { Batch } from '../../../../src/core/batch.ts';
import type { TidegateError } from '../../../../src/core/errors.ts';
import type { StateNote } from '../../../../src/core/group-state.ts';
import { Message, type MessageInit } from '../../../../src/core/message.ts';
import type { JoiningOperator, Side } from '../../../../src/core/stateful-operator.ts';
import { join } from '../../../../src/pipelines/operators/join/join.ts';
import { StageMetrics } from '../../../../src/pipelines/state/metrics.ts';
import { StatefulStage } from '../../../../src/pipelines/state/stateful-stage.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { fakeContext } from '../parts.ts';

const AT = Date.parse('2024-01-01T12:00:00Z');
const LABELS = { pipeline: 'p', operator: 'processors[0].join' };
const TOPICS = { left: 'orders', right: 'payments' } as const;

/** A join as a stage, with one partition of both topics. */
class Rig {
  readonly context = fakeContext().context;
  readonly clock = new HandClock();
  readonly stage: StatefulStage;
  readonly failed: TidegateError[] = [];
  readonly given: Message[] = [];
  private readonly source = new Subject<Batch>();
  private readonly next = { left: 0, right: 0 };
  private readonly committed = { left: 0, right: 0 };

  constructor(settings: object = {}) {
    const config = join.config.parse({ ...TOPICS, within: '10s', ...settings });
    this.stage = new StatefulStage(
      join.create(config, this.context) as JoiningOperator,
      this.clock,
      new StageMetrics(this.context.stats, LABELS.pipeline, LABELS.operator),
    );
    this.stage.readFrom({ keepState: () => () => 0 });
    const host = { admit: (batch: Batch) => batch, isOpen: true, opened$: new Subject<void>() };
    this.stage.apply(this.source, host).subscribe((batch) => this.given.push(...batch.messages));
  }

  assigned(side: Side, committed = 0, note?: StateNote): this {
    const start = this.stage.assigned({ topic: TOPICS[side], partition: 0 }, committed, note);
    this.next[side] = start;
    this.committed[side] = committed;
    return this;
  }

  both(): this {
    return this.assigned('left').assigned('right');
  }

  take(side: Side, seconds: number, value: unknown, init: MessageInit = {}): void {
    const offset = this.next[side];
    this.next[side] += 1;
    const settled = (_: Message, failure: TidegateError | null) => {
      if (failure !== null) this.failed.push(failure);
    };
    const message = new Message(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), {
      key: 'k',
      topic: TOPICS[side],
      partition: 0,
      offset,
      timestamp: AT + seconds * 1_000,
      target: { settled },
      ...init,
    });
    message.isReplayed = offset < this.committed[side];
    this.source.next(new Batch([message]));
  }

  texts(): string[] {
    return this.given.map(({ text }) => text);
  }

  /** What of each side would be committed now, if all of it is settled. */
  commits(): Record<Side, { offset: number; note: StateNote | undefined } | undefined> {
    const of = (side: Side) => {
      const place = { topic: TOPICS[side], partition: 0 };
      const offset = this.stage.committable(place, this.next[side]);
      return offset === undefined ? undefined : { offset, note: this.stage.note(place, offset) };
    };
    return { left: of('left'), right: of('right') };
  }

  get late(): number {
    return this.context.stats.counter('tidegate_operator_late_total', LABELS).value;
  }
}

describe('a join', () => {
  test('gives a record for each pair of a key that is near in time, with the payloads as they came', () => {
    const rig = new Rig().both();
    rig.take('left', 0, '{ "id": 12345678901234567890 }');
    rig.take('right', 10, '[1.50]');
    rig.take('right', 11, 'true');
    rig.take('right', 5, '"x"', { key: 'other' });
    rig.take('left', 1, '"late"');
    assert.deepEqual(
      rig.texts(),
      [
        '{"key":"k","left":{ "id": 12345678901234567890 },"right":[1.50]}',
        '{"key":"k","left":"late","right":[1.50]}',
        '{"key":"k","left":"late","right":true}',
      ].map((text) => text),
    );
    assert.deepEqual(
      rig.given.map(({ key, timestamp }) => [key, timestamp - AT]),
      [
        ['k', 10_000],
        ['k', 10_000],
        ['k', 11_000],
      ],
    );
  });

  test('of type left says which records found no partner, once none can come', () => {
    const rig = new Rig({ type: 'left', lateness: '2s' }).both();
    rig.take('left', 0, 1);
    rig.take('left', 1, 2);
    rig.take('right', 9, 'null', { key: 'other' });
    rig.take('right', 11, 3);
    assert.deepEqual(rig.texts(), ['{"key":"k","left":2,"right":3}']);
    rig.take('right', 12, 4, { key: 'other' });
    assert.equal(rig.given.length, 1, 'a right one of 10 s may still come');
    rig.take('right', 13, 4, { key: 'other' });
    assert.deepEqual(rig.texts().slice(1), ['{"key":"k","left":1,"right":null}']);
    assert.equal(rig.given[1]?.timestamp, AT);
    rig.take('left', 0, 5, { key: 'z' });
    assert.deepEqual(rig.texts().slice(2), ['{"key":"z","left":5,"right":null}'], 'the right ones are ahead of it');
  });

  test('drops and counts a record that is too far behind its own partition, and no other', () => {
    const rig = new Rig({ lateness: '5s' }).both();
    rig.take('left', 100, 1);
    rig.take('right', 92, 2);
    rig.take('left', 94, 3);
    assert.equal(rig.late, 1);
    assert.deepEqual(rig.texts(), ['{"key":"k","left":1,"right":2}']);
    rig.take('left', 95, 4);
    assert.deepEqual(rig.texts().slice(1), ['{"key":"k","left":4,"right":2}']);
  });

  test('takes key and time from expressions', () => {
    const rig = new Rig({ by: '${! json.id }', time: '${! json.at }' }).both();
    rig.take('left', 0, { id: 'a', at: AT }, { key: null });
    rig.take('right', 3600, { id: 'a', at: AT + 1 });
    assert.deepEqual(rig.texts(), [`{"key":"a","left":{"id":"a","at":${AT}},"right":{"id":"a","at":${AT + 1}}}`]);
    assert.equal(rig.given[0]?.timestamp, AT + 1);
  });

  test('needs no time of a record without a value, which makes no other one late', () => {
    const rig = new Rig({ time: '${! json.at }', lateness: '1s' }).both();
    rig.take('left', 3600, '', { meta: { tombstone: true } });
    rig.take('left', 0, { at: AT });
    rig.take('right', 0, { at: AT });
    assert.deepEqual(rig.failed, []);
    assert.deepEqual(rig.texts(), [`{"key":"k","left":{"at":${AT}},"right":{"at":${AT}}}`]);
  });

  test('fails a record alone that has no key, is not JSON or is too much, and lets one without a value go', () => {
    const rig = new Rig({ state: { keys: 2 } }).both();
    rig.take('left', 0, '1', { key: null });
    rig.take('left', 0, 'hello');
    rig.take('left', 0, '', { meta: { tombstone: true } });
    for (const key of ['a', 'b', 'c']) rig.take('left', 0, '1', { key });
    assert.deepEqual(
      rig.failed.map(({ code }) => code),
      ['TG_EXPRESSION_FAILED', 'TG_MESSAGE_INVALID', 'TG_STATE_FULL'],
    );
    assert.match(
      rig.failed[2]?.message ?? '',
      /pipelines\.p\.x: .* limit of 2 keys; raise state\.keys, or make within or lateness shorter/,
    );
    rig.take('left', 0, '2', { key: 'b' });
    assert.equal(rig.failed.length, 3, 'there is room for more records of a key that is kept');
    rig.take('right', 100, '2', { key: 'b' });
    assert.equal(rig.failed.length, 3, 'the keys of the left side are over');
    for (const key of ['c', 'd', 'e']) rig.take('left', 100, '3', { key });
    assert.equal(rig.failed.length, 5, 'a key of the right side counts as well');
  });

  test('keeps so many bytes, and has room again when records are over', () => {
    const rig = new Rig({ state: { bytes: '1KiB' }, lateness: '0s' }).both();
    for (let n = 0; n < 5; n += 1) rig.take('left', 0, '"0123456789"');
    assert.deepEqual([...new Set(rig.failed.map(({ code }) => code))], ['TG_STATE_FULL']);
    const { length } = rig.failed;
    rig.take('right', 11, '1', { key: 'other' });
    rig.take('left', 11, '"0123456789"');
    assert.equal(rig.failed.length, length);
  });
});

describe('the commits of a join', () => {
  test('wait for the log to have what came of a record, and say from where both sides are read again', () => {
    const rig = new Rig({ lateness: '0s' }).both();
    rig.take('left', 0, 1);
    rig.take('right', 1, 2);
    assert.deepEqual([rig.commits().left?.offset, rig.commits().right?.offset], [1, 0]);
    rig.given[0]?.ack();
    assert.deepEqual([rig.commits().left?.offset, rig.commits().right?.offset], [1, 1]);
    assert.deepEqual([rig.commits().left?.note?.replay, rig.commits().right?.note?.replay], [0, 0]);
  });

  test('are none while one of the two partitions is missing, or is read again', () => {
    const rig = new Rig().assigned('left', 1, { replay: 0, watermark: AT - 10_000, through: AT - 10_000 });
    rig.take('left', 0, 1);
    rig.take('left', 1, 2);
    assert.deepEqual(rig.commits(), { left: undefined, right: undefined });
    rig.assigned('right', 2, { replay: 0, watermark: AT - 10_000, through: AT - 10_000 });
    rig.take('right', 0, 3);
    assert.deepEqual(rig.texts(), [], 'a result waits until all has been read again');
    rig.take('right', 1, 4);
    assert.equal(rig.stage.committable({ topic: 'orders', partition: 0 }, 2), undefined);
    rig.take('right', 2, 5);
    assert.deepEqual(rig.texts(), [
      '{"key":"k","left":2,"right":3}',
      '{"key":"k","left":2,"right":4}',
      '{"key":"k","left":1,"right":5}',
      '{"key":"k","left":2,"right":5}',
    ]);
    assert.deepEqual(rig.commits(), { left: undefined, right: undefined }, 'the log has none of them');
    for (const result of rig.given) result.ack();
    assert.deepEqual([rig.commits().left?.offset, rig.commits().right?.offset], [2, 3]);
  });

  test('tell when nothing is left to be read again, where no record does', () => {
    const rig = new Rig().assigned('left').assigned('right', 2, { replay: 0, watermark: AT - 10_000, through: AT });
    rig.take('left', 0, 1);
    rig.take('right', 0, 2);
    // The record in front of the committed offset is gone from the log.
    assert.deepEqual([rig.commits().right, rig.texts()], [undefined, []]);
    rig.clock.advance(1);
    assert.deepEqual(rig.texts(), ['{"key":"k","left":1,"right":2}']);
  });

  test('forget a side that is assigned anew: it is read again', () => {
    const rig = new Rig({ type: 'left' }).both();
    rig.take('left', 0, 1);
    rig.take('right', 0, 2);
    rig.assigned('left');
    rig.take('left', 0, 1);
    assert.equal(rig.given.length, 2);
    rig.assigned('right');
    rig.take('right', 100, 3);
    assert.equal(rig.given.length, 2, 'its partner was read before');
    rig.stage.revoked({ topic: 'orders', partition: 0 });
    rig.stage.revoked({ topic: 'payments', partition: 0 });
    assert.deepEqual(rig.commits(), { left: undefined, right: undefined });
  });
});
