import { firstValueFrom, map, merge } from 'rxjs';
import {
  type ConfigDifference,
  ConfigError,
  describeDifference,
  differenceBetween,
  type Given,
  type LoadedConfig,
} from '../../config/index.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { GatewayContext } from '../gateway-context.ts';
import type { GatewayPhase } from '../phase.ts';
import { Changeover, type ChangingParts } from './changeover.ts';
import type { ReloadCause, ReloadReport, ReloadResult } from './report.ts';

/** Reads the configuration again. Rejects with a TidegateError. */
export type ReadConfig = () => Promise<LoadedConfig>;

/** What a configuration was made of. */
export type LoadedParts = Pick<LoadedConfig, 'source' | 'secrets' | 'files' | 'fileVersions' | 'warnings'>;

/** Reports that are kept, the newest first. */
const MAX_KEPT = 20;
const RESULTS: readonly ReloadResult[] = ['applied', 'unchanged', 'invalid', 'refused', 'failed'];

export interface ReloadsOptions {
  readonly context: GatewayContext;
  readonly parts: ChangingParts;
  readonly phase: Pick<GatewayPhase, 'value' | 'isStopping' | 'stopping$'>;
  /** What the configuration of the start was made of, where that is known. */
  readonly loaded: LoadedParts | undefined;
  /** Whether the topics of the start exist, so that pipelines run. */
  readonly isFlowing: () => boolean;
}

/** What became of a reload; `failure`: why nothing was changed. */
export interface Outcome {
  readonly report: ReloadReport;
  readonly failure?: TidegateError | undefined;
}

interface Request {
  readonly read: ReadConfig;
  readonly cause: ReloadCause;
  readonly waiting: ((outcome: Outcome) => void)[];
}

/** Changes the configuration of a running gateway, one reload at a time. */
export class Reloads {
  private readonly options: ReloadsOptions;
  private readonly logger: Logger;
  private given: Given;
  private secrets: LoadedConfig['secrets'];
  private currentFiles: readonly string[];
  private refusedFiles: readonly string[] = [];
  /** What is doubtful in the configuration that was read last, which is said once. */
  private doubts: ReadonlySet<string>;
  private number = 0;
  private current = 1;
  private isRunning = false;
  /** The next one; those who asked while it waits get its outcome. */
  private next: Request | undefined;
  private readonly kept: ReloadReport[] = [];
  private isLastGood = true;
  private lastGoodAt: number;
  /** Ends what an earlier reload left for when the log is back. */
  private postponed = new AbortController();
  private flow: Promise<unknown> = Promise.resolve();

  constructor(options: ReloadsOptions) {
    const { context, loaded } = options;
    const { stats, clock } = context;
    this.options = options;
    this.logger = context.scoped('reload');
    this.given = givenOf(context.config, loaded);
    this.secrets = loaded?.secrets ?? (async () => () => false);
    this.currentFiles = loaded?.files ?? [];
    this.doubts = doubtsIn(loaded?.warnings ?? []);
    this.lastGoodAt = clock.now();
    stats.gauge('tidegate_config_generation', {}, () => this.current);
    stats.gauge('tidegate_config_last_reload_successful', {}, () => (this.isLastGood ? 1 : 0));
    stats.gauge('tidegate_config_last_reload_success_timestamp_seconds', {}, () => this.lastGoodAt / 1_000);
    for (const result of RESULTS) stats.counter('tidegate_config_reloads_total', { result });
  }

  get generation(): number {
    return this.current;
  }

  /** Files that the configuration was read from, and those of a newer one that was refused: one of these is to be repaired. */
  get files(): readonly string[] {
    return [...new Set([...this.currentFiles, ...this.refusedFiles])];
  }

  /** The newest first. */
  get reports(): readonly ReloadReport[] {
    return this.kept;
  }

  /** Resolves when the configuration holds that was read last, or nothing was changed. Never rejects. */
  run(cause: ReloadCause, read: ReadConfig): Promise<Outcome> {
    return new Promise((resolve) => {
      const waiting = [...(this.next?.waiting ?? []), resolve];
      this.next = { read, cause, waiting };
      if (!this.isRunning) void this.runAll();
    });
  }

  private async runAll(): Promise<void> {
    this.isRunning = true;
    for (let { next } = this; next !== undefined; next = this.next) {
      this.next = undefined;
      const outcome = await this.runOne(next);
      for (const resolve of next.waiting) resolve(outcome);
    }
    this.isRunning = false;
  }

  private async runOne({ read, cause }: Request): Promise<Outcome> {
    const { context } = this.options;
    this.number += 1;
    const begun = { number: this.number, cause, at: context.clock.now() };
    try {
      this.refuseUnlessRunning();
      const loaded = await read();
      this.warn(loaded);
      const [before, after] = await Promise.all([this.secrets(), loaded.secrets()]);
      const difference = differenceBetween(this.given, loaded, (path) => before(path) || after(path));
      return await this.change(begun, loaded, difference);
    } catch (error) {
      return this.failed(begun, asTidegateError(error, 'TG_CONFIG_INVALID'));
    }
  }

  private warn({ warnings }: LoadedConfig): void {
    const doubts = doubtsIn(warnings);
    for (const doubt of doubts) if (!this.doubts.has(doubt)) this.logger.warn({}, doubt);
    this.doubts = doubts;
  }

  private async change(begun: Begun, next: LoadedConfig, difference: ConfigDifference): Promise<Outcome> {
    const { context, parts } = this.options;
    if (difference.refused.length > 0) throw refused(difference);
    if (difference.changes.length === 0) {
      this.remember(next, this.given.config);
      return this.ended(begun, 'unchanged', difference, [], await this.bindUnbound());
    }
    const changeover = new Changeover(context, parts, difference);
    const prepared = await changeover.prepare();
    try {
      this.refuseUnlessRunning();
    } catch (error) {
      changeover.discard(prepared);
      throw error;
    }
    this.remember(next, difference.config);
    this.current += 1;
    const problems = await changeover.commit(prepared);
    const { waiting, given } = await this.moveFlow(changeover);
    return this.ended(begun, 'applied', difference, waiting, [...problems, ...given]);
  }

  /** The port of an earlier reload may be free by now. */
  private async bindUnbound(): Promise<string[]> {
    try {
      await this.options.parts.listeners.bindUnbound();
      return [];
    } catch (error) {
      return [asTidegateError(error, 'TG_LISTEN_FAILED').message];
    }
  }

  private remember(loaded: LoadedConfig, config: Given['config']): void {
    this.given = givenOf(config, loaded);
    this.secrets = loaded.secrets;
    this.currentFiles = loaded.files;
    this.refusedFiles = [];
  }

  /** What reads and writes topics, once the log is there. */
  private async moveFlow(changeover: Changeover): Promise<{ waiting: string[]; given: string[] }> {
    const { context, isFlowing } = this.options;
    this.postponed.abort();
    this.postponed = new AbortController();
    if (!isFlowing()) {
      const failed = (error: unknown) => this.logger.error({ error }, 'the pipelines could not be changed');
      changeover.replaceFlow().catch(failed);
      return { waiting: context.link.isUp ? [] : changeover.needingLog, given: [] };
    }
    if (context.link.isUp) return { waiting: [], given: await this.movedFlow(changeover) };
    void this.moveLater(changeover, this.postponed.signal);
    return { waiting: changeover.needingLog, given: [] };
  }

  private async moveLater(changeover: Changeover, signal: AbortSignal): Promise<void> {
    await this.options.context.link.up();
    if (signal.aborted || this.options.phase.isStopping) return;
    this.logger.info({}, 'the log is back: what waited for it is changed now');
    for (const problem of await this.movedFlow(changeover)) this.logger.warn({}, problem);
  }

  /** One after the other, also where the log came back in the middle of the next reload. Never rejects. */
  private movedFlow(changeover: Changeover): Promise<string[]> {
    const moved = this.flow.then(() =>
      changeover.moveFlow().catch((error: unknown) => [asTidegateError(error, 'TG_FLOW_FAILED').message]),
    );
    const stopped = this.options.phase.stopping$.pipe(map(() => ['the gateway stops']));
    const outcome = firstValueFrom(merge(moved, stopped));
    this.flow = outcome;
    return outcome;
  }

  private refuseUnlessRunning(): void {
    const { value, isStopping } = this.options.phase;
    if (value === 'running' && !isStopping) return;
    const why = isStopping ? 'the gateway is stopping' : 'the gateway has not started';
    throw new TidegateError('TG_NOT_RUNNING', `${why}, so its configuration does not change`);
  }

  private failed(begun: Begun, failure: TidegateError): Outcome {
    const result = resultOf(failure);
    const problems = failure.message.split('\n');
    const report = this.reported(begun, result, { changes: [], unchanged: 0 }, [], problems);
    const { number } = begun;
    this.isLastGood = false;
    if (failure instanceof ConfigError) this.refusedFiles = failure.files;
    this.logger.error(
      { reload: number, result, code: failure.code },
      `reload ${number}: nothing was changed: ${failure.message}`,
    );
    return { report, failure };
  }

  private ended(
    begun: Begun,
    result: 'applied' | 'unchanged',
    difference: ConfigDifference,
    waiting: readonly string[],
    problems: readonly string[],
  ): Outcome {
    const report = this.reported(begun, result, difference, waiting, problems);
    this.isLastGood = true;
    this.lastGoodAt = begun.at;
    const facts = { reload: begun.number, result, generation: this.current };
    this.logger.info(facts, [`reload ${begun.number}: ${report.summary}`, ...waiting].join('; '));
    for (const problem of problems) this.logger.error(facts, `reload ${begun.number}: ${problem}`);
    return { report };
  }

  private reported(
    { number, cause, at }: Begun,
    result: ReloadResult,
    difference: Pick<ConfigDifference, 'changes' | 'unchanged'>,
    waiting: readonly string[],
    problems: readonly string[],
  ): ReloadReport {
    const { changes, unchanged } = difference;
    const isChanged = result === 'applied' || result === 'unchanged';
    const report: ReloadReport = {
      ...{ reload: number, generation: this.current, at: new Date(at).toISOString(), cause, result },
      summary: isChanged ? describeDifference(difference) : 'nothing was changed',
      ...{ changes, unchanged, waiting, problems },
    };
    this.kept.unshift(report);
    this.kept.length = Math.min(this.kept.length, MAX_KEPT);
    this.options.context.stats.counter('tidegate_config_reloads_total', { result }).value += 1;
    return report;
  }
}

interface Begun {
  readonly number: number;
  readonly cause: ReloadCause;
  readonly at: number;
}

function refused({ refused: parts }: ConfigDifference): TidegateError {
  const lines = parts.map(({ part, message }) => `${part} ${message}`);
  return new TidegateError('TG_RELOAD_REFUSED', lines.join('\n'));
}

function doubtsIn(warnings: LoadedConfig['warnings']): ReadonlySet<string> {
  const doubts = warnings.filter(({ severity }) => severity === 'warning');
  return new Set(doubts.map(({ path, message }) => `${path}: ${message}`));
}

function resultOf(failure: TidegateError): ReloadResult {
  if (failure.code === 'TG_RELOAD_REFUSED') return 'refused';
  return failure instanceof ConfigError || failure.code === 'TG_CONFIG_UNREADABLE' ? 'invalid' : 'failed';
}

function givenOf(config: Given['config'], loaded: LoadedParts | undefined): Given {
  if (loaded === undefined) return { config };
  return { config, source: { value: loaded.source.value }, fileVersions: loaded.fileVersions };
}
