import { Observable, Subject, share, takeUntil } from 'rxjs';
import type { StopReport } from '../actors/gateway/stop-report.ts';
import type { BoundPorts } from '../assembly/bound-ports.ts';
import type { GatewayEventName, GatewayListener } from '../assembly/events.ts';
import type { GatewaySnapshot } from '../assembly/snapshot.ts';
import type { TidegateError } from '../core/errors.ts';
import type { AssembledGateway } from '../gateway.ts';
import type { ConnectionChange, Gateway } from './gateway.ts';
import type { GatewayTopic } from './gateway-topic.ts';
import { createTopic } from './open-topic.ts';
import { Publishing } from './publishing.ts';

/** A gateway with what a program needs around it. */
export class EmbeddedGateway implements Gateway {
  readonly connections$: Observable<ConnectionChange>;
  private readonly assembled: AssembledGateway;
  private readonly topics = new Map<string, GatewayTopic>();
  private readonly publishing: Publishing;
  private readonly stopping = new Subject<void>();
  private readonly stopped = new Subject<void>();
  private report: Promise<StopReport> | undefined;

  constructor(assembled: AssembledGateway) {
    this.assembled = assembled;
    this.publishing = new Publishing(assembled);
    this.connections$ = changesOf(assembled).pipe(takeUntil(this.stopped), share());
  }

  start(): Promise<void> {
    return this.assembled.start();
  }

  ready(): Promise<void> {
    return this.assembled.ready();
  }

  stop(): Promise<StopReport> {
    this.report ??= this.end();
    return this.report;
  }

  get failed(): Promise<TidegateError> {
    return this.assembled.failed;
  }

  inspect(): GatewaySnapshot {
    return this.assembled.inspect();
  }

  ports(): BoundPorts {
    return this.assembled.ports();
  }

  on<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.assembled.events.on(name, listener);
    return this;
  }

  once<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.assembled.events.once(name, listener);
    return this;
  }

  off<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.assembled.events.off(name, listener);
    return this;
  }

  topic(name: string): GatewayTopic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic = createTopic(this.assembled, name, this.publishing, this.stopping);
    this.topics.set(name, topic);
    return topic;
  }

  private async end(): Promise<StopReport> {
    const report = this.assembled.stop();
    this.stopping.next();
    try {
      return await report;
    } finally {
      this.stopped.next();
    }
  }
}

function changesOf(gateway: AssembledGateway): Observable<ConnectionChange> {
  const { events } = gateway;
  return new Observable((subscriber) => {
    if (gateway.phase === 'stopped') subscriber.complete();
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
