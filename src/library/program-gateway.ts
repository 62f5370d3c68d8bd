import { Observable, share, takeUntil } from 'rxjs';
import type { LoadedConfig } from '../config/index.ts';
import type { Batch } from '../core/batch.ts';
import { TidegateError } from '../core/errors.ts';
import { recordOf, type TopicRecord } from '../core/topic-record.ts';
import type { Gateway as RunnableGateway } from '../gateway/gateway.ts';
import type { ReadConfig } from '../gateway/reload/reloads.ts';
import type { ReloadCause, ReloadReport } from '../gateway/reload/report.ts';
import type { BoundPorts, GatewaySnapshot, StopReport } from '../gateway/snapshot.ts';
import { Follower } from '../tables/follower.ts';
import type { EventHub, GatewayEventName, GatewayListener } from '../telemetry/events.ts';
import type { ConnectionChange, Gateway, GatewayTopic } from './gateway.ts';
import { Publishing } from './publishing.ts';

type OtherConfig = NonNullable<Parameters<Gateway['reload']>[0]>;
type ReadOther = (config: OtherConfig) => Promise<LoadedConfig>;

const NOTHING_TO_READ =
  'the gateway was not made of a file that can be read again; give reload() a configuration, or restart what was made of the files of a standalone worker';

/** A gateway with what a program needs around it: events, clients that come and go, and topics. */
export class ProgramGateway implements Gateway {
  readonly connections$: Observable<ConnectionChange>;
  private readonly gateway: RunnableGateway;
  private readonly events: EventHub;
  private readonly publishing: Publishing;
  private readonly read: ReadConfig | undefined;
  private readonly readOther: ReadOther | undefined;
  private readonly topics = new Map<string, GatewayTopic>();

  /** `read` reads the configuration of the start again, `readOther` another one; undefined where that cannot be. */
  constructor(gateway: RunnableGateway, read: ReadConfig | undefined, readOther: ReadOther | undefined) {
    this.gateway = gateway;
    this.read = read;
    this.readOther = readOther;
    this.events = gateway.context.events;
    this.publishing = new Publishing(gateway);
    this.connections$ = changesOf(this.events).pipe(takeUntil(gateway.phase.stopped$), share());
  }

  start(): Promise<void> {
    return this.gateway.start();
  }

  ready(): Promise<void> {
    return this.gateway.ready();
  }

  stop(): Promise<StopReport> {
    return this.gateway.stop();
  }

  async reload(config?: OtherConfig, cause: ReloadCause = 'program'): Promise<ReloadReport> {
    const { readOther } = this;
    const read = config === undefined ? this.read : readOther && (() => readOther(config));
    if (read === undefined) throw new TidegateError('TG_RELOAD_REFUSED', NOTHING_TO_READ);
    const { report, failure } = await this.gateway.reload(cause, read);
    if (failure !== undefined) throw failure;
    return report;
  }

  get failed(): Promise<TidegateError> {
    return this.gateway.failed;
  }

  inspect(): GatewaySnapshot {
    return this.gateway.inspect();
  }

  ports(): BoundPorts {
    return this.gateway.ports();
  }

  on<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.events.on(name, listener);
    return this;
  }

  once<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.events.once(name, listener);
    return this;
  }

  off<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.events.off(name, listener);
    return this;
  }

  topic(name: string): GatewayTopic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic: GatewayTopic = {
      name,
      records$: recordsOf(this.gateway, name).pipe(takeUntil(this.gateway.phase.stopping$), share()),
      publish: (record) => this.publishing.publish(name, record),
    };
    this.topics.set(name, topic);
    return topic;
  }
}

function changesOf(events: EventHub): Observable<ConnectionChange> {
  return new Observable((subscriber) => {
    const opened: GatewayListener<'ws-connection'> = (connection, request) =>
      subscriber.next({ type: 'opened', connection, request });
    const closed: GatewayListener<'ws-close'> = (connection, close) =>
      subscriber.next({ type: 'closed', connection, close });
    events.on('ws-connection', opened);
    events.on('ws-close', closed);
    return () => {
      events.off('ws-connection', opened);
      events.off('ws-close', closed);
    };
  });
}

/** Reads the topic for each subscription, from its end on; see `GatewayTopic.records$`. */
function recordsOf({ context, prepared }: RunnableGateway, name: string): Observable<TopicRecord> {
  const { log, clock, stats, reading } = context;
  return new Observable((subscriber) => {
    const next = (batch: Batch) => {
      stats.counter('tidegate_records_consumed_total', { topic: name }).value += batch.length;
      for (const message of batch.messages) subscriber.next(recordOf(message));
    };
    const logger = context.scoped('topic', { topic: name });
    const follower = new Follower({ log, topics: [name], from: 'latest', logger, clock, report: reading, next });
    void prepared.then((isPrepared) => {
      if (isPrepared && !subscriber.closed) follower.open();
    });
    return () => void follower.close();
  });
}
