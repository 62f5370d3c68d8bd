import { Message } from '../../src/core/message.ts';
import { decodeRecords } from '../../src/transports/kafka/fetch/decode.ts';
import { KAFKA } from '../../src/transports/kafka/wire/protocol-errors.ts';
import { encodeBatch, outgoing } from '../../src/transports/kafka/wire/record-batch.ts';

const NO_PRODUCER = { id: -1n, epoch: -1 };
/** A broker remembers so many batches of each producer, and knows them again. */
const REMEMBERED = 5;

/** Places in a record batch of format 2. https://kafka.apache.org/documentation/#recordbatch */
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const SEQUENCE_AT = 53;
const COUNT_AT = 57;

interface Appended {
  readonly sequence: number;
  readonly count: number;
  readonly baseOffset: number;
}

export interface ScriptedTopic {
  id: string;
  maxMessageBytes: number;
  partitions: ScriptedPartition[];
}

/** A partition as a broker keeps it: record batches behind each other, and the sequence numbers of each producer. */
export class ScriptedPartition {
  leader = 1;
  /** Offset of the oldest record; raise it and what is in front of it is gone. */
  start = 0;
  end = 0;
  private readonly batches: { readonly next: number; readonly bytes: Buffer }[] = [];
  private producers = new Map<string, Appended[]>();

  /** Values of the records that are there, in their order. */
  get values(): string[] {
    const fetched = { topic: '', partition: 0, code: 0, end: this.end, aborted: [], records: this.read(this.start) };
    return decodeRecords(fetched, this.start).messages.map(({ payload }) => String(payload));
  }

  /** Appends by the rules for idempotent producers: a known batch is not stored again, one that skips numbers is refused. */
  append(batch: Buffer, maxMessageBytes: number): { code: number; baseOffset: number } {
    if (batch.length > maxMessageBytes) return { code: KAFKA.MESSAGE_TOO_LARGE, baseOffset: -1 };
    const id = batch.readBigInt64BE(PRODUCER_ID_AT);
    const producer = `${id}/${batch.readInt16BE(PRODUCER_EPOCH_AT)}`;
    const sequence = batch.readInt32BE(SEQUENCE_AT);
    const count = batch.readInt32BE(COUNT_AT);
    const known = this.producers.get(producer) ?? [];
    const same = known.find((one) => one.sequence === sequence && one.count === count);
    const last = known.at(-1);
    if (id >= 0n && same !== undefined) return { code: KAFKA.NONE, baseOffset: same.baseOffset };
    if (id >= 0n && sequence !== (last === undefined ? 0 : last.sequence + last.count))
      return { code: KAFKA.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
    const baseOffset = this.end;
    this.producers.set(producer, [...known, { sequence, count, baseOffset }].slice(-REMEMBERED));
    const stored = Buffer.from(batch);
    stored.writeBigInt64BE(BigInt(baseOffset), 0);
    this.end += count;
    this.batches.push({ next: this.end, bytes: stored });
    return { code: KAFKA.NONE, baseOffset };
  }

  /** Another program appends a batch of these records. */
  write(...values: string[]): void {
    const records = values.map((value) => outgoing(new Message(Buffer.from(value)), null, 1));
    this.append(encodeBatch(records, NO_PRODUCER, -1), Number.POSITIVE_INFINITY);
  }

  /** What a replica knows that has lost its producer state. */
  forgetProducers(): void {
    this.producers = new Map();
  }

  /** Record batches from the one on that has the offset. */
  read(offset: number): Buffer {
    return Buffer.concat(this.batches.filter(({ next }) => next > offset).map(({ bytes }) => bytes));
  }
}
