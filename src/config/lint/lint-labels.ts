import { type Finding, failing, formatPath, type Path } from '../problem/problem.ts';
import type { ParsedConfig } from '../schema/schema.ts';
import { componentsIn } from '../schema/step-schema.ts';

/** A processor that has a label. */
export interface Labelled {
  readonly pipeline: string;
  readonly kind: 'processor' | 'operator';
  readonly path: Path;
}

/** The processors and operators of all pipelines by their labels; of several with one label the first. */
export function labelsOf({ pipelines }: Pick<ParsedConfig, 'pipelines'>): ReadonlyMap<string, Labelled> {
  const labels = new Map<string, Labelled>();
  for (const { label, labelled } of allLabels(pipelines)) if (!labels.has(label)) labels.set(label, labelled);
  return labels;
}

/** Labels that several processors have: a test or an alert that names one would mean any of them. */
export function lintLabels(config: ParsedConfig): Finding[] {
  const first = labelsOf(config);
  return allLabels(config.pipelines).flatMap(({ label, labelled: { path } }) => {
    const other = first.get(label)?.path;
    return other === undefined || formatPath(other) === formatPath(path)
      ? []
      : [failing([...path, 'label'], `the label "${label}" is that of ${formatPath(other)}; choose another one`)];
  });
}

function allLabels(pipelines: ParsedConfig['pipelines']): { label: string; labelled: Labelled }[] {
  return Object.entries(pipelines).flatMap(([pipeline, { processors }]) =>
    componentsIn(processors, ['pipelines', pipeline, 'processors']).flatMap(({ chosen, path }) =>
      chosen.label === undefined ? [] : [{ label: chosen.label, labelled: { pipeline, kind: chosen.spec.kind, path } }],
    ),
  );
}
