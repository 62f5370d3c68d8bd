import { type Observable, Subject } from 'rxjs';
import { createActor } from 'xstate';
import type { Batch } from '../../core/batch.ts';
import { type ErrorCode, TidegateError } from '../../core/errors.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Lane, Log } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { EventHub } from '../../telemetry/events.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import { startActor, tell } from '../lifecycle.ts';
import { type TopicActor, type TopicControl, topicMachine } from './machine.ts';

/** A larger send would block the event loop (kafkajs copies quadratically) and gains nothing. */
const MAX_SEND = 1_000;
/** Bytes of one send; brokers refuse requests over 1 MiB by default, and headers and framing need room. */
const MAX_SEND_BYTES = 900_000;

export interface TopicOptions {
  readonly name: string;
  readonly log: Log;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly tracing: Tracing;
  /** Left out for a log beside the gateway's own. */
  readonly events?: Pick<EventHub, 'emit'>;
}

/**
 * A topic that is written to: everything for it goes through here and on by one lane. There is no timer: a send takes
 * what has gathered while the one before it was under way, and an idle topic sends at once.
 */
export class Topic implements TopicPort, TopicControl {
  readonly name: string;
  readonly idle$: Observable<void>;
  readonly actor: TopicActor;
  private readonly lane: Lane;
  private readonly waiting = new Fifo<Message>();
  private readonly becameIdle = new Subject<void>();
  private readonly tracing: Tracing;
  private sending: readonly Message[] | undefined;
  private readonly removeGauge: () => void;
  /** Code of the last failure of a send that is being repeated. */
  private retryingFor: ErrorCode | undefined;
  private isAbandoned = false;

  constructor({ name, log, logger, stats, tracing, events }: TopicOptions) {
    const producer = { driver: log.driver, topic: name };
    this.name = name;
    this.tracing = tracing;
    this.idle$ = this.becameIdle.asObservable();
    this.actor = startActor(createActor(topicMachine, { input: { control: this } }), `topic ${name}`, logger);
    this.lane = log.lane(name, {
      retrying: (reason) => {
        // A disk that is full stays so for hours, and is tried twice a second: a warning once, until it is another reason.
        const level = reason.code === this.retryingFor ? 'debug' : 'warn';
        this.retryingFor = reason.code;
        logger[level](
          { topic: name, code: reason.code },
          `a write to ${name} has not succeeded, repeating it until it does: ${reason.message}`,
        );
        tell(this.actor, { type: 'RETRYING' });
        events?.emit('producer-error', reason, producer);
      },
      recovered: () => {
        this.retryingFor = undefined;
        logger.info({ topic: name }, `writes to ${name} are accepted again`);
        tell(this.actor, { type: 'RECOVERED' });
        events?.emit('producer-ready', producer);
      },
      duplicatesPossible: (reason) => {
        logger.warn(
          { topic: name, code: reason.code },
          `the producer was replaced, the last batch may have been written twice to ${name}: ${reason.message}`,
        );
        events?.emit('producer-error', reason, producer);
      },
    });
    this.removeGauge = stats.gauge('tidegate_lane_queued_messages', { topic: name }, () => this.pending);
  }

  get idle(): boolean {
    return this.sending === undefined;
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** Messages that are not in the log yet. */
  get pending(): number {
    return this.waiting.length + (this.sending?.length ?? 0);
  }

  write(batch: Batch): void {
    if (this.isAbandoned) {
      batch.nack(stopped());
      return;
    }
    for (const message of batch.messages) {
      message.forgetValue();
      this.waiting.push(message);
    }
    if (this.idle) tell(this.actor, { type: 'WRITTEN' });
  }

  /** Resolves when everything written so far, and what is written meanwhile, is settled. */
  drained(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => {
      const subscription = this.idle$.subscribe(() => {
        if (!this.idle) return;
        subscription.unsubscribe();
        resolve();
      });
    });
  }

  /** It is gone from the log and has nothing to send; not to be used again. */
  close(): void {
    this.removeGauge();
    this.actor.stop();
  }

  // --- orders of the machine

  /** The outcome of the send is unknown for ever; what waits was never sent. */
  abandon(): void {
    this.isAbandoned = true;
    this.lane.abandon();
    for (const message of this.waiting.clear()) message.nack(stopped());
  }

  send(): void {
    const messages = this.next();
    this.sending = messages;
    const span = this.tracing.sending(messages, this.name);
    this.lane.send(messages, span.traceId).then(
      (refusals) => {
        span.end(undefined, refusals);
        for (const { index, failure } of refusals) messages[index]?.nack(failure);
        // The refused ones have settled already, so this reaches the stored ones only.
        if (refusals.length > 0) this.ackStored(messages, new Set(refusals.map(({ index }) => index)));
        else for (const message of messages) message.ack();
        this.sent();
      },
      (failure: TidegateError) => {
        span.end(failure);
        for (const message of messages) message.nack(failure);
        this.sent();
      },
    );
  }

  // --- within

  private ackStored(messages: readonly Message[], refused: ReadonlySet<number>): void {
    for (const [index, message] of messages.entries()) if (!refused.has(index)) message.ack();
  }

  private sent(): void {
    this.sending = undefined;
    tell(this.actor, { type: 'SENT' });
    if (this.idle) this.becameIdle.next();
  }

  private next(): Message[] {
    const messages: Message[] = [];
    let bytes = 0;
    for (let message = this.waiting.peek(); message !== undefined; message = this.waiting.peek()) {
      bytes += message.cost || message.size;
      if (messages.length > 0 && (messages.length >= MAX_SEND || bytes > MAX_SEND_BYTES)) break;
      messages.push(message);
      this.waiting.shift();
    }
    return messages;
  }
}

function stopped(): TidegateError {
  return new TidegateError(
    'TG_STOPPING',
    'the gateway stopped before the log could be reached; send the message again',
  );
}
