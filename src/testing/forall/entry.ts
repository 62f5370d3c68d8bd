import { Document, visit } from 'yaml';
import type { Invariant } from '../../config/schema/hold-schema.ts';
import { formatDuration } from '../../core/units.ts';
import type { InputMessage } from '../simulation/messages.ts';
import type { InputStep } from './plan.ts';

export interface Counterexample {
  /** Name of the test that it is for. */
  readonly name: string;
  readonly pipeline: string;
  readonly steps: readonly InputStep[];
  readonly violated: Invariant;
}

/** An item of `tests:` that fails as the counterexample does: YAML to be pasted, indented by two. */
export function entryOf({ name, pipeline, steps, violated }: Counterexample): string {
  const document = new Document([{ name, pipeline, input: steps.map(stepOf), hold: [writtenInvariant(violated)] }]);
  visit(document, {
    // Name, pipeline, input and hold have a line each, and so has each step.
    Collection: (_, node, path) => {
      node.flow = path.length > 4 || (path.length > 3 && isValueOf(path, 'hold'));
    },
  });
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: true, singleQuote: false });
  return escaped(text)
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

function isValueOf(path: readonly unknown[], key: string): boolean {
  const pair = path.at(-1) as { readonly key?: { readonly value?: unknown } } | undefined;
  return pair?.key?.value === key;
}

function stepOf(step: InputStep): object {
  if ('after' in step) return { after: formatDuration(step.after) };
  return 'fault' in step ? { fault: step.fault } : writtenMessage(step.message);
}

/** Without what is left out anyway. */
function writtenMessage(message: InputMessage): object {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined && value !== null));
}

/** An invariant as `hold` has it. */
export function writtenInvariant(invariant: Invariant): unknown {
  switch (invariant.name) {
    case 'batch_at_most':
      return { batch_at_most: invariant.most };
    case 'dead_letters_only_for':
      return { dead_letters_only_for: [...invariant.codes] };
    case 'output_schema':
      return { output_schema: invariant.schema };
    case 'expression':
      return invariant.expression.text;
    default:
      return invariant.name;
  }
}

/** `${NAME}` in a text is one that the environment fills in; `${! }` stays. */
function escaped(yaml: string): string {
  return yaml.replaceAll(/\$\{(?!!)/g, () => '$${');
}
