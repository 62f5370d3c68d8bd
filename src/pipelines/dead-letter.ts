import { Batch } from '../core/batch.ts';
import type { Sink } from '../core/component.ts';
import type { TidegateError } from '../core/errors.ts';
import type { Flight, Message } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';
import { factsOf, withFacts } from './dead-letter-facts.ts';
import { slimmer } from './dead-letter-size.ts';
import type { Rescue } from './flight.ts';

type Key = Awaited<ReturnType<NonNullable<Sink['keyOf']>>>;

/**
 * Writes messages that will never be processed to a topic of their own: with the original payload, key and headers,
 * and what went wrong, and who sent it, in headers. The message counts as done once the dead letter is in the log.
 */
export class DeadLetters {
  private readonly topic: TopicPort;
  private readonly pipeline: string;
  private readonly stored: () => void;
  private readonly otherwise: Rescue;
  private readonly keyOf: Sink['keyOf'];

  /**
   * `stored` is told of each dead letter that is in the log, `otherwise` is asked about one that fails for good itself.
   * `keyOf`: the sink's.
   */
  constructor(topic: TopicPort, pipeline: string, stored: () => void, otherwise: Rescue, keyOf?: Sink['keyOf']) {
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
      headers: withFacts(original.headers, facts),
      // The time of its writing: the log may have refused the message for its own, and retention counts from it.
      timestamp: 0,
    });
    letter.outcome = 'dead_letter';
    letter.flight = new LetterFlight(this.topic, message.flight, this.stored, this.otherwise);
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
   * The key that a client's message would have got from the sink, so that what one sender has in the dead letters stays
   * together. What comes from elsewhere goes as it came. Never rejects.
   */
  private sinkKey(message: Message, original: Message): Key | Promise<Key> {
    if (original.sender === undefined) return null;
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

/** A dead letter that is itself too large goes again without what makes it so; what fails then is for others to decide. */
class LetterFlight implements Flight {
  private readonly topic: TopicPort;
  private readonly outer: Flight | undefined;
  private readonly stored: () => void;
  private readonly otherwise: Rescue;

  constructor(topic: TopicPort, outer: Flight | undefined, stored: () => void, otherwise: Rescue) {
    this.topic = topic;
    this.outer = outer;
    this.stored = stored;
    this.otherwise = otherwise;
  }

  rescue(letter: Message, failure: TidegateError): boolean {
    const again = failure.code === 'TG_RECORD_TOO_LARGE' ? slimmer(letter) : undefined;
    if (again === undefined) return this.otherwise(letter, failure);
    this.topic.write(new Batch([again]));
    return true;
  }

  landed(letter: Message, failure: TidegateError | null): void {
    if (failure === null) this.stored();
    this.outer?.landed(letter, failure);
  }
}
