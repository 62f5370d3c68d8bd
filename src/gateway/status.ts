import type { HealthReport, ReadyReport } from '../admin/health.ts';
import { VERSION } from '../version.ts';
import type { ConnectService } from './connect-service.ts';
import type { EndpointSet } from './endpoint-set.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { GatewayState } from './listener-context.ts';
import { GatewayPhase } from './phase.ts';
import type { PipelineSet } from './pipeline-set.ts';
import { Readiness } from './readiness.ts';
import type { TopicPreparation } from './topic-preparation.ts';

/** What decides whether a gateway takes traffic. */
export interface StatusSources {
  readonly endpoints: Pick<EndpointSet, 'byName' | 'all'>;
  readonly pipelines: Pick<PipelineSet, 'ongoing'>;
  readonly preparation: Pick<TopicPreparation, 'notReadyReason'>;
  readonly connect?: Pick<ConnectService, 'notReadyReason'> | undefined;
}

/** The state of a gateway: for handshakes, probes, and the program that runs it. */
export class GatewayStatus implements GatewayState {
  readonly phase = new GatewayPhase();
  readonly readiness: Readiness;
  private readonly context: GatewayContext;
  /** Whether the topics of the configuration exist, so that pipelines run. */
  isFlowing = false;
  /** Whether everything of the start has been ready. */
  private wasReady = false;
  /** Parts that have been ready. */
  private readonly begun = new WeakSet<object>();
  private readonly sources: StatusSources;

  constructor(context: GatewayContext, sources: StatusSources) {
    this.context = context;
    this.sources = sources;
    this.readiness = new Readiness({
      clock: context.clock,
      awakeClock: context.awakeClock,
      reasons: () => this.reasons,
      failure: () => sources.pipelines.ongoing.find(({ finalFailure }) => finalFailure !== undefined)?.finalFailure,
      reached: () => {
        this.wasReady = true;
        context.events.emit('ready');
      },
    });
  }

  /** Why the gateway should get no new traffic; empty when it should. */
  get reasons(): string[] {
    if (this.phase.value !== 'running') return [`the gateway is ${this.phase.value}`];
    const { link } = this.context;
    const { endpoints, pipelines, preparation, connect } = this.sources;
    if (!link.isUp) return [`the log is not available: ${link.downReason}`];
    if (preparation.notReadyReason !== undefined) return [preparation.notReadyReason];
    return [
      ...pipelines.ongoing.map((pipeline) => this.reasonOf(pipeline, pipeline.failure !== undefined)),
      ...[...endpoints.byName.values()].map((endpoint) => {
        const reason = this.reasonOf(endpoint, false);
        return reason && `the endpoint ${endpoint.name}: ${reason}`;
      }),
      connect?.notReadyReason,
    ].filter((reason) => reason !== undefined);
  }

  /** Parts that come with a reload are no reason to send the clients of all others away, unless they fail. */
  private reasonOf(part: { readonly notReadyReason: string | undefined }, hasFailed: boolean): string | undefined {
    const { notReadyReason } = part;
    if (notReadyReason === undefined) this.begun.add(part);
    return this.wasReady && !hasFailed && !this.begun.has(part) ? undefined : notReadyReason;
  }

  get isStopping(): boolean {
    return this.phase.isStopping;
  }

  opening(): Promise<void> | undefined {
    return this.readiness.opening;
  }

  health(): HealthReport {
    const { log, link } = this.context;
    return {
      version: VERSION,
      driver: log.driver,
      log: link.isUp ? 'up' : 'down',
      connections: this.sources.endpoints.all.reduce((sum, { size }) => sum + size, 0),
    };
  }

  ready(): ReadyReport {
    return { driver: this.context.log.driver, reasons: this.reasons };
  }
}
