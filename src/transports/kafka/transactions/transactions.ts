import { TidegateError } from '../../../core/errors.ts';
import { pause } from '../../../core/waiting.ts';
import type { Selection } from '../../staging.ts';
import type { BrokerConnection } from '../connection/connection.ts';
import type { LaneTopic } from '../produce/lane-topic.ts';
import { Producer } from '../produce/producer.ts';
import type { CommitEntry } from '../wire/commit-note.ts';
import { brokerError, KAFKA, kafkaCode, logError } from '../wire/protocol-errors.ts';
import { protocolOf } from './features.ts';
import { initProducer } from './init-producer.ts';
import type { Membership } from './requests.ts';
import { NewerRequests, OlderRequests, type TransactionRequests } from './transaction-requests.ts';
import { type SenderParts, type Stored, TransactionSender } from './transaction-sender.ts';

/** Milliseconds after which brokers abort a transaction whose gateway is gone. */
const TRANSACTION_TIMEOUT = 10_000;
/** Milliseconds for all of a transaction but its end: less than that, and a member joins again meanwhile only in trouble. */
const STORE_TIMEOUT = 6_000;
/** Milliseconds for the answer to its end. */
const END_TIMEOUT = 20_000;
const INITIAL_PAUSE = 10;
const MAX_PAUSE = 500;

/** The broker asks for a moment, and has done nothing. */
const SOON: ReadonlySet<number> = new Set([
  KAFKA.COORDINATOR_LOAD_IN_PROGRESS,
  KAFKA.COORDINATOR_NOT_AVAILABLE,
  KAFKA.NOT_COORDINATOR,
  KAFKA.CONCURRENT_TRANSACTIONS,
]);

/** What one transaction holds. */
export interface TransactionContent {
  readonly records: Selection;
  readonly offsets: ReadonlyMap<string, readonly CommitEntry[]>;
  readonly membership: Membership;
}

/** An outcome that is not known: the transaction may be committed, now or later. */
export class InDoubt extends TidegateError {
  constructor(cause: unknown) {
    const { message } = logError(cause, 'the end of a transaction was not answered');
    super('TG_LOG_FENCED', `${message}; reading goes on at the committed offset`, cause);
  }
}

interface Open {
  readonly producer: Producer;
  readonly requests: TransactionRequests;
  readonly sender: TransactionSender;
}

/**
 * The transactions of one transactional id, one after the other. Nothing is committed before its end is asked for: whatever
 * goes wrong until then, the producer is thrown away, and the next one under the same id aborts what it left. Once the end
 * was asked for and not answered, the newer protocol asks again; the older one cannot, as a late request would end the next
 * transaction.
 */
export class Transactions {
  private readonly id: string;
  private readonly parts: SenderParts;
  /** Also how long they have been missing, which does not begin anew with each producer. */
  private readonly topics = new Map<string, LaneTopic>();
  private open: Open | undefined;

  constructor(id: string, parts: SenderParts) {
    this.id = id;
    this.parts = parts;
  }

  /** Fences the producer that had the id before, and aborts its transaction. */
  async begin(): Promise<void> {
    this.open ??= await this.beginAnew();
  }

  /**
   * Makes a transaction of what `choose` gives, which is asked once all else is ready. Resolves with what was stored when it is
   * committed, or with what was refused when it is not; undefined where there was nothing. Rejects with InDoubt where the
   * outcome is not known, else where it is not committed.
   */
  async commit(choose: () => TransactionContent | undefined): Promise<Stored | undefined> {
    await this.begin();
    const open = this.open as Open; // `begin` has just made it
    const content = choose();
    if (content === undefined) return undefined;
    let stored: Stored;
    try {
      stored = await this.fill(open, content);
    } catch (error) {
      this.open = undefined;
      throw error;
    }
    if (stored.refusals.size > 0) {
      this.open = undefined;
      return stored;
    }
    await this.end(open);
    return stored;
  }

  private async fill({ producer, requests, sender }: Open, content: TransactionContent): Promise<Stored> {
    const deadline = this.parts.clock.elapsed() + STORE_TIMEOUT;
    const stored = await sender.store(content.records, producer, deadline);
    if (stored.refusals.size > 0 || content.offsets.size === 0) return stored;
    await this.repeated(deadline, requests, requests.repeatsInDoubt, () =>
      requests.commitOffsets(producer, content.membership, content.offsets),
    );
    return stored;
  }

  private async end(open: Open): Promise<void> {
    const { producer, requests } = open;
    let isInDoubt = false;
    const ask = async () => {
      try {
        return await requests.end(producer);
      } catch (error) {
        isInDoubt ||= kafkaCode(error) === undefined;
        throw error;
      }
    };
    try {
      const deadline = this.parts.clock.elapsed() + END_TIMEOUT;
      const next = await this.repeated(deadline, requests, requests.repeatsInDoubt, ask);
      this.open = next === producer ? open : { ...open, producer: new Producer(next) };
    } catch (error) {
      this.open = undefined;
      // A first answer that refuses it says that the brokers had aborted the transaction, for its time.
      throw isInDoubt ? new InDoubt(error) : error;
    }
  }

  private async beginAnew(): Promise<Open> {
    const { cluster, clock } = this.parts;
    const protocol = await protocolOf(cluster.any());
    if (protocol === 'none')
      throw new TidegateError('TG_GROUP_FAILED', 'exactly_once needs Kafka 2.5 or later: these brokers are older');
    const requests = protocol === 'newer' ? new NewerRequests(cluster, this.id) : new OlderRequests(cluster, this.id);
    const deadline = clock.elapsed() + STORE_TIMEOUT;
    const producer = await this.repeated(deadline, requests, false, async () =>
      this.initialize(await cluster.transactionCoordinator(this.id)),
    );
    return { producer, requests, sender: new TransactionSender(this.parts, requests, this.topics) };
  }

  private async initialize(coordinator: BrokerConnection): Promise<Producer> {
    const { code, producer } = await initProducer(coordinator, this.id, TRANSACTION_TIMEOUT);
    if (code !== KAFKA.NONE) throw brokerError(code);
    return new Producer(producer);
  }

  /** Asks again while the broker needs a moment, or, with `inDoubt`, does not answer. */
  private async repeated<T>(
    deadline: number,
    requests: TransactionRequests,
    inDoubt: boolean,
    ask: () => Promise<T>,
  ): Promise<T> {
    const { clock, cluster } = this.parts;
    for (let wait = INITIAL_PAUSE; ; wait = Math.min(wait * 2, MAX_PAUSE)) {
      try {
        return await ask();
      } catch (error) {
        const code = kafkaCode(error);
        const mayRepeat = code === undefined ? inDoubt : SOON.has(code);
        if (!mayRepeat || clock.elapsed() + wait > deadline) throw error;
        if (code !== KAFKA.CONCURRENT_TRANSACTIONS) requests.lose();
        if (code === undefined) await cluster.refresh().catch(() => undefined);
      }
      await pause(clock, wait);
    }
  }
}
