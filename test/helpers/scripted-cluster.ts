import { TidegateError } from '../../src/core/errors.ts';
import type { Client } from '../../src/transports/kafka/connection/client.ts';
import { Cluster } from '../../src/transports/kafka/connection/cluster.ts';
import type { BrokerConnection } from '../../src/transports/kafka/connection/connection.ts';
import { brokerError, kafkaCode } from '../../src/transports/kafka/wire/protocol-errors.ts';
import type { Fate, ScriptedBroker } from './scripted-broker.ts';

/** Connects to the scripted brokers by their ids; all else is as in the product. */
export class ScriptedCluster extends Cluster {
  private readonly scripted: ScriptedBroker;
  private readonly timeout: number;
  private readonly open = new Map<number, ScriptedConnection>();
  private isClosed = false;

  constructor(scripted: ScriptedBroker, timeout: number) {
    super({ brokers: [] } as unknown as Client, timeout);
    this.scripted = scripted;
    this.timeout = timeout;
  }

  override any(): BrokerConnection {
    const [first = -1] = this.scripted.nodes;
    return this.node(first);
  }

  override node(id: number): BrokerConnection {
    if (this.isClosed || !this.scripted.nodes.has(id))
      throw new TidegateError('TG_LOG_UNAVAILABLE', `broker ${id} is not known`);
    let connection = this.open.get(id);
    if (connection?.isUsable !== true) {
      connection = new ScriptedConnection(this.scripted, id, this.timeout);
      this.open.set(id, connection);
    }
    return connection as unknown as BrokerConnection;
  }

  override async coordinator(group: string): Promise<BrokerConnection> {
    await this.any().request('GroupCoordinator', { groupId: group });
    return this.node(this.scripted.coordinator);
  }

  override close(): void {
    this.isClosed = true;
    for (const connection of this.open.values()) connection.destroy(new Error('closed'));
  }
}

/** The part of BrokerConnection that is used: gone for good after the first failure that is not an answer. */
class ScriptedConnection {
  isUsable = true;
  private readonly broker: ScriptedBroker;
  private readonly node: number;
  private readonly timeout: number;
  private readonly gone: Promise<never>;
  private end: (reason: Error) => void = () => undefined;

  constructor(broker: ScriptedBroker, node: number, timeout: number) {
    this.broker = broker;
    this.node = node;
    this.timeout = timeout;
    this.gone = new Promise((_, reject) => {
      this.end = reject;
    });
    this.gone.catch(() => undefined);
  }

  async maxVersion(api: string): Promise<number> {
    return this.broker.versions[api] ?? -1;
  }

  request(api: string, payload: unknown): Promise<unknown> {
    return this.guarded(api, payload, async (step) => {
      if (typeof step === 'number' && step !== 0) throw brokerError(step);
      return this.broker.answer(api, payload);
    });
  }

  exchange(api: string, version: number, body: Buffer, decode: (answer: Buffer) => unknown): Promise<unknown> {
    const request = this.broker.read(api, version, body);
    return this.guarded(api, request, async (step) => {
      const answer = await this.broker.answerBytes(api, version, request, this.node, step);
      return decode(step === 'garbled' ? answer.subarray(0, answer.length >> 1) : answer);
    });
  }

  destroy(reason: Error): void {
    this.isUsable = false;
    this.end(reason);
  }

  private async guarded<T>(api: string, payload: unknown, perform: (step: Fate) => Promise<T>): Promise<T> {
    try {
      return await Promise.race([this.gone, this.done(api, payload, perform)]);
    } catch (error) {
      if (kafkaCode(error) === undefined) this.destroy(error as Error);
      throw error;
    }
  }

  private async done<T>(api: string, payload: unknown, perform: (step: Fate) => Promise<T>): Promise<T> {
    if (!this.isUsable) return await this.gone;
    this.broker.asked.push({ api, node: this.node, payload });
    const next = this.broker.next(api);
    const step = typeof next === 'function' ? (next() ?? 'ok') : next;
    if (step === 'cut') throw new Error('Connection error: read ECONNRESET');
    if (step === 'silent') await this.timedOut(api);
    const answer = await perform(step);
    if (step === 'lost') throw new Error('Connection error: read ECONNRESET');
    return answer;
  }

  private timedOut(api: string): Promise<never> {
    return new Promise((_, reject) => {
      this.broker.clock.after(this.timeout, () => reject(new Error(`Request ${api} timed out`)));
    });
  }
}
