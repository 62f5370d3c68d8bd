import type { Exemplar, HistogramPoint, Labels, NumberPoint } from './stats.ts';

/** A metric with all its points at one moment. */
export type MetricFamily =
  | {
      readonly name: string;
      readonly kind: 'counter' | 'gauge' | 'untyped';
      readonly help: string;
      readonly points: readonly NumberPoint[];
    }
  | {
      readonly name: string;
      readonly kind: 'histogram';
      readonly help: string;
      readonly points: readonly HistogramPoint[];
    };

/** Prometheus's own text format (0.0.4), or OpenMetrics (1.0.0), which has exemplars. */
export type ExpositionFormat = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** What the service is called; OpenTelemetry puts the attributes of its resource there. */
const TARGET = { name: 'target', help: 'Target metadata' };

/**
 * The text of a scrape. Both formats have the same series: only what they say of a metric differs, and what OpenMetrics
 * has besides. `target`: labels of target_info.
 */
export function exposition(format: ExpositionFormat, target: Labels, families: readonly MetricFamily[]): string {
  const isOpen = format === 'openmetrics';
  const lines = [
    ...(isOpen ? about(isOpen, TARGET.name, 'info', TARGET.help) : about(isOpen, 'target_info', 'gauge', TARGET.help)),
    `target_info${labelText(target)} 1`,
  ];
  for (const family of families) {
    // OpenMetrics names a counter without the ending that its samples have.
    const name = isOpen && family.kind === 'counter' ? family.name.replace(/_total$/, '') : family.name;
    const type = isOpen && family.kind === 'untyped' ? 'unknown' : family.kind;
    lines.push(...about(isOpen, name, type, family.help));
    if (family.kind === 'histogram') for (const point of family.points) addHistogram(lines, family.name, point, isOpen);
    else
      for (const { labels, value } of family.points)
        lines.push(`${family.name}${labelText(labels)} ${numberText(value)}`);
  }
  return `${lines.join('\n')}\n${isOpen ? '# EOF\n' : ''}`;
}

function about(isOpen: boolean, name: string, type: string, help: string): string[] {
  return [
    `# HELP ${name} ${isOpen ? escaped(help) : help.replace(/[\\\n]/g, escapedCharacter)}`,
    `# TYPE ${name} ${type}`,
  ];
}

function addHistogram(lines: string[], name: string, point: HistogramPoint, isOpen: boolean): void {
  const { labels, bounds, counts, sum, count, exemplars } = point;
  let total = 0;
  for (const [bucket, inBucket] of counts.entries()) {
    total += inBucket;
    const le = numberText(bounds[bucket] ?? Number.POSITIVE_INFINITY);
    const exemplar = isOpen ? exemplarText(exemplars?.[bucket]) : '';
    lines.push(`${name}_bucket${labelText({ ...labels, le })} ${total}${exemplar}`);
  }
  lines.push(`${name}_sum${labelText(labels)} ${numberText(sum)}`, `${name}_count${labelText(labels)} ${count}`);
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, value, at } = exemplar;
  return ` # ${labelText({ trace_id: traceId })} ${numberText(value)} ${(at / 1_000).toFixed(3)}`;
}

function labelText(labels: Labels): string {
  const pairs: string[] = [];
  for (const name in labels) pairs.push(`${name}="${escaped(labels[name] as string)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escaped(text: string): string {
  return /[\\\n"]/.test(text) ? text.replace(/[\\\n"]/g, escapedCharacter) : text;
}

function escapedCharacter(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}
