import { type CheckedValue, type Definition, type FlatConfig, HIDDEN, NULL_VALUE, textOf } from './definition.ts';
import type { Examined } from './examine.ts';
import { masked } from './mask.ts';

type ExaminedSettings = Pick<Examined, 'checked' | 'nulls'>;

/** A definition as `/connector-plugins/{class}/config` has it. */
export function definitionAnswer(definition: Definition) {
  return {
    name: definition.name,
    type: definition.type,
    required: definition.default === undefined,
    default_value: definition.default ?? null,
    importance: definition.importance,
    documentation: definition.documentation,
    group: definition.group,
    width: definition.width,
    display_name: definition.displayName,
    dependents: [],
    order: definition.order,
  };
}

/** The answer of `config/validate`; `name` is the class as it was asked for. */
export function validationAnswer(name: string, { checked, nulls }: ExaminedSettings) {
  const values = Object.fromEntries(checked.map(({ definition, value }) => [definition.name, textOf(value)]));
  const shown = masked(values);
  return {
    name,
    error_count: checked.reduce((sum, { errors }) => sum + errors.length, nulls.length),
    groups: [...new Set(checked.map(({ definition }) => definition.group))],
    configs: [
      ...checked.map((one) => ({ definition: definitionAnswer(one.definition), value: valueAnswer(one, shown) })),
      ...nulls.map((key) => ({ definition: null, value: answerOf(key, null, [], [NULL_VALUE]) })),
    ],
  };
}

function valueAnswer({ definition, errors }: CheckedValue, shown: FlatConfig) {
  return answerOf(definition.name, shown[definition.name] ?? null, definition.recommended ?? [], errors);
}

function answerOf(name: string, value: string | null, recommended: readonly string[], errors: readonly string[]) {
  return { name, value, recommended_values: recommended, errors, visible: true };
}

/** Connect's message for a connector that is refused: every error, one a line. `hidden`: settings that only a mask is known of. */
export function refusalOf({ checked, nulls }: ExaminedSettings, hidden: readonly string[] = []): string | undefined {
  const masks = hidden.map(
    (name) =>
      `Invalid value ${HIDDEN} for configuration ${name}: There is no stored value that ${HIDDEN} could stand for`,
  );
  const errors = [...checked.flatMap((one) => one.errors), ...nulls.map(() => NULL_VALUE), ...masks];
  if (errors.length === 0) return undefined;
  return `Connector configuration is invalid and contains the following ${errors.length} error(s):\n${errors.join('\n')}\nYou can also find the above list of errors at the endpoint \`/connector-plugins/{connectorType}/config/validate\``;
}
