import { createHash } from 'node:crypto';
import { Batch } from '../core/batch.ts';
import type { TidegateError } from '../core/errors.ts';
import { type Header, type Headers, withHeader } from '../core/headers.ts';
import type { Flight, Message } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';
import type { Rescue } from './flight.ts';

/** Bytes. Headers may not make a dead letter too large themselves. */
const MAX_ERROR_TEXT = 8_192;

/**
 * Writes messages that will never be processed to a topic of their own: with the original payload, key and headers,
 * and what went wrong in headers. The message counts as done once the dead letter is in the log.
 */
export class DeadLetters {
  private readonly topic: TopicPort;
  private readonly pipeline: string;
  private readonly written: () => void;
  private readonly otherwise: Rescue;

  /** `otherwise` is asked about a dead letter that fails for good itself. */
  constructor(topic: TopicPort, pipeline: string, written: () => void, otherwise: Rescue) {
    this.topic = topic;
    this.pipeline = pipeline;
    this.written = written;
    this.otherwise = otherwise;
  }

  /** False for a failure that says nothing about the message: a log that is away, a gateway that stops. */
  take(message: Message, failure: TidegateError): boolean {
    if (failure.next !== 'reject') return false;
    const original = message.source ?? message;
    const letter = message.derive({
      payload: Buffer.from(original.payload),
      key: original.sourceKey,
      headers: replaced(original.headers, errorHeaders(original, failure, this.pipeline)),
    });
    letter.flight = new LetterFlight(this.topic, message.flight, this.otherwise);
    this.topic.write(new Batch([letter]));
    this.written();
    return true;
  }
}

/** A dead letter that is itself too large goes again without its payload; what fails then is for others to decide. */
class LetterFlight implements Flight {
  private readonly topic: TopicPort;
  private readonly outer: Flight | undefined;
  private readonly otherwise: Rescue;
  private isStripped = false;

  constructor(topic: TopicPort, outer: Flight | undefined, otherwise: Rescue) {
    this.topic = topic;
    this.outer = outer;
    this.otherwise = otherwise;
  }

  rescue(letter: Message, failure: TidegateError): boolean {
    if (this.isStripped || failure.code !== 'TG_RECORD_TOO_LARGE') return this.otherwise(letter, failure);
    this.isStripped = true;
    const { payload } = letter;
    const stripped = letter.derive({
      payload: Buffer.alloc(0),
      headers: replaced(letter.headers, [
        ['tidegate-payload-bytes', String(payload.length)],
        ['tidegate-payload-sha256', createHash('sha256').update(payload).digest('hex')],
      ]),
    });
    this.topic.write(new Batch([stripped]));
    return true;
  }

  landed(letter: Message, failure: TidegateError | null): void {
    this.outer?.landed(letter, failure);
  }
}

function errorHeaders(original: Message, failure: TidegateError, pipeline: string): Headers {
  const headers: Header[] = [
    ['tidegate-error-code', failure.code],
    ['tidegate-error-message', cut(failure.message)],
    ['tidegate-pipeline', pipeline],
  ];
  const { topic, partition, offset } = original;
  if (topic !== undefined && offset >= 0) headers.push(['tidegate-origin', `${topic}/${partition}/${offset}`]);
  return headers;
}

function replaced(headers: Headers, changes: Headers): Headers {
  return changes.reduce((changed, [name, value]) => withHeader(changed, name, value), headers);
}

/** Whole characters only. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_ERROR_TEXT) return text;
  return bytes.toString('utf8', 0, MAX_ERROR_TEXT).replace(/\uFFFD$/, '');
}
