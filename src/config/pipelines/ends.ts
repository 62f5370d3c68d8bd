import type { SinkSpec, SourceSpec } from '../../sdk/define.ts';
import type { Registry } from '../../sdk/registry.ts';
import type { Path } from '../problem/problem.ts';
import { type Chosen, entryOf } from '../schema/component-schema.ts';

/** One end of a pipeline and its place. */
export interface PlacedEnd<S extends SourceSpec | SinkSpec = SourceSpec | SinkSpec> {
  readonly chosen: Chosen<S>;
  readonly path: Path;
}

interface Ends {
  readonly source: Chosen<SourceSpec> | readonly Chosen<SourceSpec>[];
  readonly sink: Chosen<SinkSpec>;
}

/** The sources of a pipeline, with their places: `source`, or `source[0]`, `source[1]` where they are a list. */
export function sourcesOf({ source }: Pick<Ends, 'source'>, pipeline: Path = []): readonly PlacedEnd<SourceSpec>[] {
  const path = [...pipeline, 'source'];
  return isList(source) ? source.map((chosen, at) => ({ chosen, path: [...path, at] })) : [{ chosen: source, path }];
}

/** The sink of a pipeline and all sinks within it, the outer ones first, with their places. */
export function allSinksOf({ sink }: Pick<Ends, 'sink'>, pipeline: Path = []): readonly PlacedEnd<SinkSpec>[] {
  return within(sink, [...pipeline, 'sink']);
}

/** The sinks of a pipeline that messages end in: those without others within them. */
export function sinksOf(ends: Pick<Ends, 'sink'>, pipeline: Path = []): readonly PlacedEnd<SinkSpec>[] {
  return allSinksOf(ends, pipeline).filter(({ chosen }) => chosen.spec.inner === undefined);
}

/** All ends of a pipeline. */
export function endsOf(ends: Ends, pipeline: Path = []): readonly PlacedEnd[] {
  return [...sourcesOf(ends, pipeline), ...allSinksOf(ends, pipeline)];
}

/** The sources of a pipeline as the file has them. */
export function sourceEntries(source: unknown, path: Path): { value: unknown; path: Path }[] {
  return Array.isArray(source)
    ? source.map((value: unknown, at) => ({ value, path: [...path, at] }))
    : [{ value: source, path }];
}

/** The same of the sink that a file has, and of the sinks within it, whatever is wrong in it. */
export function sinkEntries(value: unknown, registry: Registry, path: Path): { value: unknown; path: Path }[] {
  const entry = entryOf(value);
  const spec = entry === undefined ? undefined : registry.find('sink', entry.name);
  if (entry === undefined || spec?.inner === undefined) return [{ value, path }];
  return spec
    .inner(entry.settings)
    .flatMap((inner) => sinkEntries(inner.value, registry, [...path, entry.name, ...inner.path]));
}

function within(chosen: Chosen<SinkSpec>, path: Path): PlacedEnd<SinkSpec>[] {
  const inner = chosen.spec.inner?.(chosen.config) ?? [];
  return [
    { chosen, path },
    ...inner.flatMap(({ value, path: at }) => within(value as Chosen<SinkSpec>, [...path, chosen.spec.name, ...at])),
  ];
}

function isList(source: Ends['source']): source is readonly Chosen<SourceSpec>[] {
  return Array.isArray(source);
}
