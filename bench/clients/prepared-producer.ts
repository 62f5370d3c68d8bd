import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';

/*
 * Produces records at next to no cost: one produce request per partition is encoded once (with kafkajs's own encoder,
 * so that no code of the gateway is involved) and the same bytes are sent again and again. A broker takes them each
 * time, because without a producer id it has nothing to recognise them by.
 */

interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly { value: Buffer }[] }[];
  }[];
}
type Encode = (options: { correlationId: number; clientId: string; request: unknown }) => Promise<{ buffer: Buffer }>;

const require = createRequire(import.meta.url);
const produceRequest: (
  request: ProduceRequest,
) => unknown = require('kafkajs/src/protocol/requests/produce/v7/request');
const encodeRequest: Encode = require('kafkajs/src/protocol/request');

export interface PreparedOptions {
  /** The broker that leads all partitions. */
  readonly broker: string;
  readonly topic: string;
  readonly partitions: number;
  readonly payload: Buffer;
  /** Records of one request. */
  readonly records: number;
  /** Called when the broker has taken a request. */
  readonly onStored: () => void;
}

export class PreparedProducer {
  /** Records that the broker has acknowledged (acks=all). */
  stored = 0;
  private readonly options: PreparedOptions;
  private readonly requests: readonly Buffer[];
  private readonly socket: Socket;
  private pending: Buffer = Buffer.alloc(0);
  private next = 0;
  private outstanding = 0;

  private constructor(options: PreparedOptions, requests: readonly Buffer[], socket: Socket) {
    this.options = options;
    this.requests = requests;
    this.socket = socket;
    socket.on('data', (data) => this.read(data));
  }

  static async open(options: PreparedOptions): Promise<PreparedProducer> {
    const messages = Array.from({ length: options.records }, () => ({ value: options.payload }));
    const requests: Buffer[] = [];
    for (let partition = 0; partition < options.partitions; partition++) {
      const topicData = [{ topic: options.topic, partitions: [{ partition, messages }] }];
      const request = produceRequest({ acks: -1, timeout: 30_000, topicData });
      requests.push((await encodeRequest({ correlationId: partition, clientId: 'bench', request })).buffer);
    }
    const [host = '', port] = options.broker.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new PreparedProducer(options, requests, socket);
  }

  /** Records that were sent, answered or not. */
  get sent(): number {
    return this.stored + this.outstanding * this.options.records;
  }

  get isBusy(): boolean {
    return this.outstanding >= this.requests.length;
  }

  /** Sends one request to the next partition in turn. */
  send(): void {
    this.socket.write(this.requests[this.next] as Buffer);
    this.next = (this.next + 1) % this.requests.length;
    this.outstanding += 1;
  }

  close(): void {
    this.socket.destroy();
  }

  private read(data: Buffer): void {
    this.pending = this.pending.length === 0 ? data : Buffer.concat([this.pending, data]);
    while (this.pending.length >= 4) {
      const size = 4 + this.pending.readInt32BE();
      if (this.pending.length < size) return;
      this.answered(this.pending.subarray(4, size));
      this.pending = this.pending.subarray(size);
    }
  }

  /** Produce response v7: correlation id, one topic, one partition, its error code. */
  private answered(response: Buffer): void {
    const name = response.readInt16BE(8);
    const error = response.readInt16BE(8 + 2 + name + 4 + 4);
    if (error !== 0) throw new Error(`the broker answered a produce request with error ${error}`);
    this.outstanding -= 1;
    this.stored += this.options.records;
    this.options.onStored();
  }
}
