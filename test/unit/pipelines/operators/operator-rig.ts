import assert from 'node:assert/strict';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import { Message, type MessageInit } from '../../../../src/core/message.ts';
import type { StatefulOperator } from '../../../../src/core/stateful-operator.ts';
import { StageMetrics } from '../../../../src/pipelines/state/metrics.ts';
import { Outgoing } from '../../../../src/pipelines/state/outgoing.ts';
import { StatefulPartition } from '../../../../src/pipelines/state/partition.ts';
import { PartitionProgress } from '../../../../src/pipelines/state/progress.ts';
import type { OperatorSpec } from '../../../../src/sdk/define.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { fakeContext } from '../parts.ts';

export const AT = Date.parse('2024-01-01T12:00:00Z');

const LABELS = { pipeline: 'p', operator: 'processors[0].it' };

/** An operator in one partition of a group, and the results that it gives out. */
export class OperatorRig {
  readonly context = { ...fakeContext().context, clock: new HandClock() };
  readonly partition: StatefulPartition;
  readonly acked: number[] = [];
  private readonly outgoing = new Outgoing();
  private offset = 0;

  constructor(spec: OperatorSpec, settings: object) {
    this.context.clock.stepped = AT + 86_400_000;
    const operator = spec.create(spec.config.parse(settings), this.context) as StatefulOperator;
    const place = { topic: 't', partition: 0 };
    const progress = new PartitionProgress(0, undefined, 1);
    const metrics = new StageMetrics(this.context.stats, LABELS.pipeline, LABELS.operator);
    this.partition = new StatefulPartition(operator, place, progress, this.outgoing, 0, metrics);
  }

  /** Records that were counted as too late. */
  get late(): number {
    return this.context.stats.counter('tidegate_operator_late_total', LABELS).value;
  }

  async take(seconds: number, value: unknown, init: MessageInit = {}): Promise<void> {
    const { offset } = this;
    this.offset += 1;
    const target = { settled: () => this.acked.push(offset) };
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const facts = { key: 'k', timestamp: AT + seconds * 1_000, offset, target, ...init };
    const record = new Message(Buffer.from(text), facts);
    await this.partition.take(record);
    if (!this.partition.isAwaiting(record)) record.ack();
  }

  async fails(code: ErrorCode, words: RegExp, ...record: Parameters<OperatorRig['take']>): Promise<void> {
    await assert.rejects(this.take(...record), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
  }

  /** Results that were given out since the last call, which are stored. */
  results(): Message[] {
    const results: Message[] = [];
    for (let batch = this.outgoing.next(); batch !== undefined; batch = this.outgoing.next())
      results.push(...batch.messages);
    for (const result of results) result.ack();
    // What ended with a full batch is noticed by the next look.
    this.outgoing.next();
    return results;
  }

  /** The same, where they wait for a transaction. */
  staged(): Message[] {
    const results = [...(this.outgoing.next()?.messages ?? [])];
    // It sees that there are no more.
    this.outgoing.next();
    for (const result of results) result.stage();
    return results;
  }

  texts(): string[] {
    return this.results().map(({ text }) => text);
  }

  json(): unknown[] {
    return this.results().map(({ json }) => json);
  }

  /** Where reading starts again after all that was taken was committed. */
  get replay(): number {
    return this.partition.progress.note(this.offset).replay;
  }

  get size() {
    const { keys, bytes } = this.partition.operator.size;
    return { keys, bytes };
  }
}

/** What the settings say is wrong with them. */
export function mistakeIn(spec: OperatorSpec, settings: object): string {
  const { error } = spec.config.safeParse(settings);
  return JSON.stringify(error?.issues);
}
