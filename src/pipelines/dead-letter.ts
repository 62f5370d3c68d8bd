import { Batch } from '../core/batch.ts';
import type { Sink } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import { withoutHeader } from '../core/headers.ts';
import type { Message, Tracker } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';
import { factsOf, isRecord, withFacts } from './dead-letter-facts.ts';
import { slimmer } from './dead-letter-size.ts';
import type { FailurePolicy } from './in-flight.ts';
import { FAILED_AT } from './processor-failure.ts';

type Key = Awaited<ReturnType<NonNullable<Sink['keyOf']>>>;

/**
 * Writes messages that will never be processed to a topic of their own: with the original payload, key and headers,
 * and what went wrong, and who sent it, in headers. The message counts as done once the dead letter is in the log.
 */
export class DeadLetters {
  private readonly topic: TopicPort;
  private readonly pipeline: string;
  private readonly stored: () => void;
  private readonly otherwise: FailurePolicy;
  private readonly keyOf: Sink['keyOf'];

  /**
   * `stored` is called for each dead letter that is in the log. `otherwise` is asked about one that fails for good itself,
   * with the message's own error and that of its dead letter in one.
   * `keyOf`: the sink's.
   */
  constructor(topic: TopicPort, pipeline: string, stored: () => void, otherwise: FailurePolicy, keyOf?: Sink['keyOf']) {
    this.topic = topic;
    this.pipeline = pipeline;
    this.stored = stored;
    this.otherwise = otherwise;
    this.keyOf = keyOf;
  }

  /** False for a failure that says nothing about the message: a log that is away, a gateway that stops. */
  take(message: Message, failure: TidegateError): boolean {
    if (failure.next !== 'reject') return false;
    const original = message.source ?? message;
    const facts = factsOf(original, failure, this.pipeline);
    const letter = message.derive({
      payload: Buffer.from(original.payload),
      key: original.sourceKey,
      // Where an earlier one failed says nothing about this one.
      headers: withFacts(withoutHeader(original.headers, FAILED_AT), facts),
      // The time of its writing: the log may have refused the message for its own, and retention counts from it.
      timestamp: 0,
    });
    letter.outcome = 'dead_letter';
    letter.tracker = new LetterTracker(failure, this.topic, message.tracker, this.stored, this.otherwise);
    const key = letter.key ?? this.sinkKey(message, original);
    if (key instanceof Promise) void key.then((ready) => this.write(letter, ready));
    else this.write(letter, key);
    return true;
  }

  private write(letter: Message, key: Key): void {
    letter.key = key ?? null;
    this.topic.write(new Batch([letter]));
  }

  /**
   * The key that a message of a client or a feed would have got from the sink, so that what one sender has in the dead
   * letters stays together. A record of a topic goes as it came. Never rejects.
   */
  private sinkKey(message: Message, original: Message): Key | Promise<Key> {
    if (isRecord(original)) return null;
    const key = this.evaluated(message);
    if (key instanceof Promise) return key.then((found) => found ?? this.evaluated(original)).then(orNull(message));
    if (key !== undefined) return key;
    const ofOriginal = message === original ? undefined : this.evaluated(original);
    return ofOriginal instanceof Promise ? ofOriginal.then(orNull(message)) : orNull(message)(ofOriginal);
  }

  /** Undefined where the expression has no value for the message, or fails. */
  private evaluated(message: Message): Key | Promise<Key> {
    try {
      const key = this.keyOf?.(message);
      return key instanceof Promise ? key.catch(() => undefined) : key;
    } catch {
      return undefined;
    }
  }
}

/** The key that a processor or the sink has given already. */
function orNull({ key }: Message): (found: Key) => Key {
  return (found) => found ?? key;
}

/** A dead letter that is itself too large is written again without what makes it so; `otherwise` decides about the next failure. */
class LetterTracker implements Tracker {
  /** Why the message became a dead letter. */
  private readonly reason: TidegateError;
  private readonly topic: TopicPort;
  private readonly outer: Tracker | undefined;
  private readonly stored: () => void;
  private readonly otherwise: FailurePolicy;

  private isGivenUp = false;

  constructor(
    reason: TidegateError,
    topic: TopicPort,
    outer: Tracker | undefined,
    stored: () => void,
    otherwise: FailurePolicy,
  ) {
    this.reason = reason;
    this.topic = topic;
    this.outer = outer;
    this.stored = stored;
    this.otherwise = otherwise;
  }

  takeOver(letter: Message, failure: TidegateError): boolean {
    // A gateway that stops, or a pipeline that broke, says nothing about the dead letter.
    if (this.isGivenUp || failure.next !== 'reject') return false;
    const again = failure.code === 'TG_RECORD_TOO_LARGE' ? slimmer(letter) : undefined;
    if (again === undefined) this.giveUp(letter, withRefusal(this.reason, failure));
    else this.topic.write(new Batch([again]));
    return true;
  }

  private giveUp(letter: Message, failure: TidegateError): void {
    if (this.otherwise(letter, failure)) return;
    this.isGivenUp = true;
    letter.nack(failure);
  }

  settled(letter: Message, failure: TidegateError | null): void {
    if (failure === null) this.stored();
    this.outer?.settled(letter, failure);
  }
}

/** What is wrong with the message comes first: the sender can change that, and the rest follows from it. */
function withRefusal({ code, message, cause }: TidegateError, refusal: TidegateError): TidegateError {
  return new TidegateError(
    code,
    `${message}; its dead letter was refused (${refusal.code}): ${refusal.message}`,
    cause,
  );
}
