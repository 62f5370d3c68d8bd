import { Batch } from '../core/batch.ts';
import { TidegateError } from '../core/errors.ts';
import type { Header } from '../core/headers.ts';
import { Message, type SettleTarget } from '../core/message.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { NewRecord, NewValue, RecordPosition } from './gateway.ts';

/** Limits of in-flight records; more are refused, as nothing else could slow a program down. */
const MAX_IN_FLIGHT = { records: 16_384, bytes: 64 * 1_048_576 };

const TOMBSTONE = Object.freeze({ tombstone: true });
const NOTHING = Buffer.alloc(0);

interface Waiting {
  readonly resolve: (position: RecordPosition) => void;
  readonly reject: (failure: TidegateError) => void;
}

/** What a program itself writes: through the lanes that the gateway's clients and pipelines use. */
export class Publishing implements SettleTarget {
  private readonly gateway: Gateway;
  private readonly waiting = new Map<Message, Waiting>();
  private bytes = 0;
  /** Topics of the configuration may still have to be made. */
  private isPrepared = false;

  constructor(gateway: Gateway) {
    this.gateway = gateway;
    void gateway.prepared.then((isPrepared) => {
      this.isPrepared = isPrepared;
    });
  }

  /** See `GatewayTopic.publish`. */
  async publish(topic: string, record: NewRecord): Promise<RecordPosition> {
    const { phase } = this.gateway;
    if (phase.isStopping) throw notRunning('the gateway was stopped');
    if (phase.value === 'created') throw notRunning('the gateway has not been started yet');
    const message = messageOf(record, this);
    if (this.waiting.size >= MAX_IN_FLIGHT.records || this.bytes + message.cost > MAX_IN_FLIGHT.bytes) {
      const why = `${this.waiting.size} records are in flight already; await them before you publish more`;
      throw new TidegateError('TG_LIMIT_REACHED', why);
    }
    this.bytes += message.cost;
    return await new Promise((resolve, reject) => {
      this.waiting.set(message, { resolve, reject });
      if (this.isPrepared) this.write(topic, message);
      else void this.gateway.prepared.then((isPrepared) => this.writeOrRefuse(topic, message, isPrepared));
    });
  }

  settled(message: Message, failure: TidegateError | null): void {
    const waiting = this.waiting.get(message);
    this.waiting.delete(message);
    this.bytes -= message.cost;
    const { topic = '', partition, offset } = message;
    if (failure === null) waiting?.resolve({ topic, partition, offset });
    else waiting?.reject(failure);
  }

  private writeOrRefuse(topic: string, message: Message, isPrepared: boolean): void {
    if (isPrepared) this.write(topic, message);
    else
      message.nack(
        new TidegateError(
          'TG_STOPPING',
          'the gateway stopped, or could not make its topics, before the record could be written',
        ),
      );
  }

  private write(topic: string, message: Message): void {
    this.gateway.context.openTopic(topic).write(new Batch([message]));
  }
}

function notRunning(why: string): TidegateError {
  return new TidegateError('TG_NOT_RUNNING', why);
}

function messageOf({ value, key = null, headers = [], timestamp = 0 }: NewRecord, target: SettleTarget): Message {
  const isTombstone = value === null;
  const message = new Message(isTombstone ? NOTHING : Buffer.from(checked(value, 'the value')), {
    key: key === null ? null : Buffer.from(checked(key, 'the key')),
    headers: headersOf(headers),
    timestamp,
    target,
    ...(isTombstone ? { meta: TOMBSTONE } : {}),
  });
  message.cost = message.size;
  return message;
}

function headersOf(headers: NonNullable<NewRecord['headers']>): Header[] {
  if (typeof headers !== 'object' || headers === null) throw noHeaders();
  const pairs: readonly Header<NewValue>[] = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  return pairs.map((pair) => {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string') throw noHeaders();
    const [name, value] = pair as Header<NewValue>;
    return [name, value === null ? null : Buffer.from(checked(value, `the header ${name}`))];
  });
}

function noHeaders(): TidegateError {
  return new TidegateError(
    'TG_MESSAGE_INVALID',
    'the headers of a record must be an object, or a list of [name, value]',
  );
}

/** Not every program is checked by a compiler. */
function checked(content: string | Uint8Array, what: string): string | Uint8Array {
  if (typeof content === 'string' || content instanceof Uint8Array) return content;
  throw new TidegateError('TG_MESSAGE_INVALID', `${what} of a record is text or bytes, not ${typeof content}`);
}
