import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import { type Desired, type Difference, RunningSet } from '../actors/running-set.ts';
import { type PipelineConfig, sharingOf, sourcesOf } from '../config/index.ts';
import { asTidegateError } from '../core/errors.ts';
import { ownEntry } from '../core/own-entry.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Settings of pipelines by name. */
type PipelineConfigs = Readonly<Record<string, PipelineConfig>>;

/** A pipeline, and what is to be done when nothing of it is left. */
export interface Created {
  readonly pipeline: Pipeline;
  ended(): void;
}

/** The pipelines that a configuration describes: those run, and no others. */
export class PipelineSet {
  private readonly logger: Logger;
  private readonly set: RunningSet<Pipeline>;
  private configs: PipelineConfigs = {};
  /** By the pipeline, as its successor has the same name. */
  private readonly ended = new Map<Pipeline, () => void>();
  private isStarted = false;

  constructor(create: (name: string, settings: PipelineConfig) => Created, logger: Logger) {
    const remembered = (name: string, settings: PipelineConfig) => {
      const { pipeline, ended } = create(name, settings);
      this.ended.set(pipeline, ended);
      return pipeline;
    };
    this.logger = logger;
    this.set = new RunningSet<Pipeline>({
      desired: () => {
        const desired = Object.entries(this.configs).map(([name, settings]): [string, Desired<Pipeline>] => [
          name,
          { version: settings, create: () => remembered(name, settings), apply: (pipeline) => this.startOne(pipeline) },
        ]);
        return new Map(desired);
      },
      removed: (_, pipeline) => {
        this.ended.get(pipeline)?.();
        this.ended.delete(pipeline);
        this.createNext();
      },
    });
  }

  /** All that are there, also those that still drain. At the start they are in the order of the configuration. */
  get all(): Pipeline[] {
    return [...this.set.units.values()];
  }

  /** The settings that hold now. */
  get settings(): PipelineConfigs {
    return this.configs;
  }

  /** Those that are to go on, also the ones that are not started yet. */
  get ongoing(): Pipeline[] {
    return [...this.set.ongoing.values()];
  }

  /**
   * Makes these the pipelines that there are: others are drained, new ones created, and one whose settings are not the same
   * object as before is replaced, so `differenceBetween` keeps the objects of what has not changed. Throws what
   * a component throws that is created. Returns what changes.
   */
  apply(configs: PipelineConfigs): Difference {
    this.configs = configs;
    return this.set.reconcile();
  }

  /** From now on pipelines run: what they read and write exists. */
  start(): void {
    this.isStarted = true;
    this.set.reconcile();
  }

  /** Resolves when nothing drains any more: every pipeline that was to be replaced is. */
  replaced(): Promise<void> {
    return this.set.replaced();
  }

  /** Closes the pipelines that still drain. Returns how many messages were given up for that. */
  giveUp(): number {
    const ongoing = new Set(this.ongoing);
    const unsettled = this.all.reduce((sum, one) => sum + (ongoing.has(one) ? 0 : one.inFlight.size), 0);
    this.set.giveUp();
    return unsettled;
  }

  /** Drains pipelines that read as members of a group. Nothing is started or replaced any more. */
  membersDrained(): Promise<void> {
    return this.set.drained((name) => this.isMember(name));
  }

  /** Drains the other pipelines. */
  othersDrained(): Promise<void> {
    return this.set.drained((name) => !this.isMember(name));
  }

  close(): Promise<void> {
    return this.set.close();
  }

  private startOne(pipeline: Pipeline): void {
    if (this.isStarted) pipeline.start();
  }

  private isMember(name: string): boolean {
    const settings = ownEntry(this.configs, name);
    return settings !== undefined && sourcesOf(settings).some(({ chosen }) => sharingOf(chosen) === 'shared');
  }

  /** The pipeline that was to be replaced is gone; what its successor throws must not end the process. */
  private createNext(): void {
    try {
      this.set.reconcile();
    } catch (error) {
      const { code, message } = asTidegateError(error, 'TG_PLUGIN_INVALID');
      this.logger.error({ code }, `a pipeline cannot be created with its new settings: ${message}`);
    }
  }
}
