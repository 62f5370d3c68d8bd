import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import type { HealthReport, ReadyReport } from '../admin/health.ts';
import { VERSION } from '../version.ts';
import type { ConnectService } from './connect-service.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { GatewayState } from './listener-context.ts';
import { GatewayPhase } from './phase.ts';
import type { PipelineSet } from './pipeline-set.ts';
import { Readiness } from './readiness.ts';
import type { TopicPreparation } from './topic-preparation.ts';

/** What decides whether a gateway takes traffic. */
export interface StatusSources {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly pipelines: Pick<PipelineSet, 'all'>;
  readonly preparation: Pick<TopicPreparation, 'notReadyReason'>;
  readonly connect?: Pick<ConnectService, 'notReadyReason'> | undefined;
}

/** The state of a gateway: for handshakes, probes, and the program that runs it. */
export class GatewayStatus implements GatewayState {
  readonly phase = new GatewayPhase();
  readonly readiness: Readiness;
  private readonly context: GatewayContext;
  private readonly sources: StatusSources;

  constructor(context: GatewayContext, sources: StatusSources) {
    this.context = context;
    this.sources = sources;
    this.readiness = new Readiness({
      clock: context.clock,
      awakeClock: context.awakeClock,
      reasons: () => this.reasons,
      failure: () => sources.pipelines.all.find(({ finalFailure }) => finalFailure !== undefined)?.finalFailure,
      reached: () => context.events.emit('ready'),
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
      ...pipelines.all.map(({ notReadyReason }) => notReadyReason),
      ...[...endpoints.values()].map(
        ({ name, notReadyReason }) => notReadyReason && `the endpoint ${name}: ${notReadyReason}`,
      ),
      connect?.notReadyReason,
    ].filter((reason) => reason !== undefined);
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
      connections: [...this.sources.endpoints.values()].reduce((sum, { size }) => sum + size, 0),
    };
  }

  ready(): ReadyReport {
    return { driver: this.context.log.driver, reasons: this.reasons };
  }
}
