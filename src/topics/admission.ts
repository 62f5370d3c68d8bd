import { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { LogAdmin } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';

/** Milliseconds for which a look says which topics there are. */
const LOOK_AGE = 5_000;
/** Milliseconds between two looks. */
const LOOK_PAUSE = 250;

/** The topics that a gateway writes to. */
export interface TopicsToWrite {
  openTopic(name: string): TopicPort;
  /** Topics that are written to already, by name: what is for them passes at once. */
  readonly topics: { get(name: string): TopicPort | undefined };
}

export interface AdmissionContext extends TopicsToWrite {
  readonly log: { readonly admin: Pick<LogAdmin, 'topics'> };
  readonly clock: Clock;
}

/** Messages for a topic that may not exist, in order. */
interface Line {
  readonly messages: Message[];
  /** How many of them were there when the pending look began: it says nothing about the others. */
  asked: number;
  /** When a look first showed no such topic. */
  missingSince: number | undefined;
}

/**
 * Passes on messages to topics that exist. A topic that is written to has a lane, metrics and an actor for as long as it
 * exists, so names that clients invent must not get there: messages wait here until a look at the log has shown the
 * topic, and are refused with TG_TOPIC_MISSING if it has not. They share one look. While the log is unavailable they wait.
 */
export class Admission {
  private readonly context: AdmissionContext;
  private readonly missingTimeout: number;
  private readonly waiting = new Map<string, Line>();
  /** The topics of the last look. */
  private known = new Set<string>();
  private knownAt = Number.NEGATIVE_INFINITY;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private isLooking = false;
  private cancelLook: (() => void) | undefined;
  private isAbandoned = false;
  private whenDrained: (() => void)[] = [];

  /** `missingTimeout`: milliseconds for which a topic may be missing, as one that was just created is not known to every broker at once. */
  constructor(context: AdmissionContext, missingTimeout: number) {
    this.context = context;
    this.missingTimeout = missingTimeout;
  }

  write(name: string, messages: Message[]): void {
    const line = this.waiting.get(name);
    if (line !== undefined) {
      for (const message of messages) line.messages.push(message);
      return;
    }
    const port = this.context.topics.get(name) ?? this.seenLately(name);
    if (port !== undefined) port.write(new Batch(messages));
    else if (this.isAbandoned) refuse(messages, stopped());
    else {
      this.waiting.set(name, { messages, asked: 0, missingSince: undefined });
      this.look();
    }
  }

  /** The topic exists now, whatever an older look shows. */
  created(name: string): void {
    this.known.add(name);
    const line = this.waiting.get(name);
    if (line !== undefined) this.admit(name, line);
    this.tellDrained();
  }

  /** Resolves when no message waits. */
  drained(): Promise<void> {
    if (this.waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenDrained.push(resolve));
  }

  /** Refuses all messages that wait, and later ones. */
  abandon(): void {
    this.isAbandoned = true;
    this.cancelLook?.();
    const lines = [...this.waiting.values()];
    this.waiting.clear();
    for (const { messages } of lines) refuse(messages, stopped());
    this.tellDrained();
  }

  private seenLately(name: string): TopicPort | undefined {
    const isRecent = this.context.clock.elapsed() - this.knownAt < LOOK_AGE;
    return isRecent && this.known.has(name) ? this.context.openTopic(name) : undefined;
  }

  /** Looks now, or when the pause after the last look is over. */
  private look(): void {
    if (this.isLooking || this.cancelLook !== undefined) return;
    const { clock } = this.context;
    const pause = this.lookedAt + LOOK_PAUSE - clock.elapsed();
    if (pause <= 0) this.lookNow();
    else
      this.cancelLook = clock.after(pause, () => {
        this.cancelLook = undefined;
        this.lookNow();
      });
  }

  private lookNow(): void {
    this.isLooking = true;
    for (const line of this.waiting.values()) line.asked = line.messages.length;
    this.context.log.admin.topics().then(
      (topics) => {
        this.seen(new Set(topics.keys()));
        this.looked();
      },
      (error: unknown) => {
        this.unseen(asTidegateError(error, 'TG_LOG_UNAVAILABLE'));
        this.looked();
      },
    );
  }

  private looked(): void {
    this.isLooking = false;
    this.lookedAt = this.context.clock.elapsed();
    this.tellDrained();
    if (this.waiting.size > 0) this.look();
  }

  private seen(topics: Set<string>): void {
    const now = this.context.clock.elapsed();
    this.known = topics;
    this.knownAt = now;
    for (const [name, line] of this.waiting) {
      if (topics.has(name)) this.admit(name, line);
      else if (line.asked > 0) this.miss(name, line, now);
    }
  }

  /** The log is unavailable, so messages wait; or it refuses to answer, which would not change by waiting. */
  private unseen(failure: TidegateError): void {
    for (const [name, line] of this.waiting) {
      if (failure.retryable) line.missingSince = undefined;
      else this.refuseAsked(name, line, failure);
    }
  }

  private admit(name: string, line: Line): void {
    this.waiting.delete(name);
    this.context.openTopic(name).write(new Batch(line.messages));
  }

  private miss(name: string, line: Line, now: number): void {
    line.missingSince ??= now;
    if (now - line.missingSince < this.missingTimeout) return;
    this.refuseAsked(name, line, new TidegateError('TG_TOPIC_MISSING', `there is no topic ${name}; create it first`));
  }

  /** Messages that came after the look began wait for the next one. */
  private refuseAsked(name: string, line: Line, failure: TidegateError): void {
    const refused = line.messages.splice(0, line.asked);
    line.asked = 0;
    line.missingSince = undefined;
    if (line.messages.length === 0) this.waiting.delete(name);
    refuse(refused, failure);
  }

  private tellDrained(): void {
    if (this.waiting.size > 0) return;
    const waiting = this.whenDrained;
    this.whenDrained = [];
    for (const resolve of waiting) resolve();
  }
}

function refuse(messages: readonly Message[], failure: TidegateError): void {
  for (const message of messages) message.nack(failure);
}

function stopped(): TidegateError {
  return new TidegateError(
    'TG_STOPPING',
    'the gateway stopped before the log could be reached; send the message again',
  );
}
