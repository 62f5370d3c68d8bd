import { topicNameMistake } from '../../config/schema/log-schema.ts';
import type { InternalTopics } from '../../core/internal-topics.ts';
import {
  type Given,
  type PluginClass,
  predicates,
  type RecordForm,
  SettingMistake,
  type TransformChain,
  type TransformStage,
  transforms,
} from '../transforms/index.ts';
import { converterOf } from './converters.ts';
import type { CheckedValue, Value } from './definition.ts';
import type { ConnectorPlugin, Mistake } from './plugin.ts';
import type { Values } from './values.ts';

/** What `transforms` and `predicates` of a connector describe. */
export interface DescribedTransforms {
  /** undefined where the connector has none, or they cannot be made. */
  readonly chain: TransformChain | undefined;
  /** Mistakes in settings that are valid one by one. Kafka Connect finds them when a task starts. */
  readonly mistakes: readonly Mistake[];
}

export function hasTransforms(values: Values): boolean {
  return values.list('transforms').length > 0;
}

export function describeTransforms(
  checked: readonly CheckedValue[],
  values: Values,
  { type }: ConnectorPlugin,
  internal: InternalTopics,
): DescribedTransforms {
  const maker = new ChainMaker(checked);
  const stages = values.list('transforms').flatMap((alias) => maker.stage(alias) ?? []);
  const { mistakes } = maker;
  if (stages.length === 0 || mistakes.length > 0) return { chain: undefined, mistakes };
  const refusalOf = (topic: string) =>
    internal.has(topic) ? 'gateways or brokers keep their own state in it' : topicNameMistake(topic);
  const topic = values.text('kafka.topic') ?? '';
  return { chain: { type, stages, form: formOf(values), topic, refusalOf }, mistakes };
}

function formOf(values: Values): RecordForm {
  const form = (name: string) => converterOf(values.text(name) ?? '') ?? 'string';
  return {
    key: form('key.converter'),
    value: form('value.converter'),
    withSchemas: values.flag('value.converter.schemas.enable'),
  };
}

/** Makes transforms and predicates of settings, and collects the mistakes in those. */
class ChainMaker {
  readonly mistakes: Mistake[] = [];
  private readonly checked: ReadonlyMap<string, CheckedValue>;

  constructor(checked: readonly CheckedValue[]) {
    this.checked = new Map(checked.map((one) => [one.definition.name, one]));
  }

  /** undefined if there is a mistake in it. */
  stage(alias: string): TransformStage | undefined {
    const prefix = `transforms.${alias}.`;
    const transform = this.made(prefix, transforms);
    const wanted = this.valueOf(`${prefix}predicate`);
    const predicate = typeof wanted === 'string' ? this.predicate(wanted, `${prefix}predicate`) : undefined;
    if (transform === undefined || (wanted !== null && predicate === undefined)) return undefined;
    const isNegated = this.valueOf(`${prefix}negate`) === true;
    const applies = predicate !== undefined && isNegated ? negated(predicate) : predicate;
    return { alias, transform, applies };
  }

  private predicate(alias: string, setting: string) {
    if (this.checked.has(`predicates.${alias}.type`)) return this.made(`predicates.${alias}.`, predicates);
    const aliases = String(this.valueOf('predicates') ?? '') || 'none';
    this.mistakes.push([
      setting,
      `Invalid value ${alias} for configuration ${setting}: there is no such predicate; those of predicates are: ${aliases}`,
    ]);
    return undefined;
  }

  /** undefined where a setting of it is wrong by itself, which is reported already. */
  private made<Made>(prefix: string, classes: readonly PluginClass<Made>[]): Made | undefined {
    const plugin = classes.find(({ name }) => name === this.valueOf(`${prefix}type`));
    const own = [...this.checked.values()].filter(({ definition }) => definition.name.startsWith(prefix));
    if (plugin === undefined || own.some(({ errors }) => errors.length > 0)) return undefined;
    try {
      return plugin.create(this.given(prefix));
    } catch (error) {
      if (!(error instanceof SettingMistake)) throw error;
      this.mistakes.push([`${prefix}${error.setting}`, error.message]);
      return undefined;
    }
  }

  private given(prefix: string): Given {
    return {
      text: (name) => {
        const value = this.valueOf(`${prefix}${name}`);
        return value === null ? undefined : String(value);
      },
      list: (name) => {
        const value = this.valueOf(`${prefix}${name}`);
        return Array.isArray(value) ? value : [];
      },
    };
  }

  private valueOf(name: string): Value {
    return this.checked.get(name)?.value ?? null;
  }
}

function negated<Record>(predicate: (record: Record) => boolean): (record: Record) => boolean {
  return (record) => !predicate(record);
}
