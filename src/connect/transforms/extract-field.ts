import { quoteValue } from '../../core/quote.ts';
import { fieldOf, requireMap } from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';
import { replaceNullWithDefault, SettingMistake } from './setting.ts';

const VERSIONS = ['V1', 'V2'];

export const extractField: PartPlugin = {
  name: 'ExtractField',
  settings: [
    {
      name: 'field',
      type: 'STRING',
      default: undefined,
      importance: 'MEDIUM',
      documentation: 'Field whose value becomes the whole; null where there is none.',
    },
    replaceNullWithDefault,
    {
      name: 'field.syntax.version',
      type: 'STRING',
      default: 'V1',
      importance: 'HIGH',
      documentation:
        'V1: the name of a field. V2: names of fields within fields with dots between them; a name with dots is written in backticks, as `foo.bar`.baz.',
      flaw: (value) =>
        VERSIONS.includes(String(value).toUpperCase())
          ? undefined
          : `String must be one of (case insensitive): ${VERSIONS.join(', ')}`,
    },
  ],
  create: (given, part) => {
    const path = given.text('field') ?? '';
    const steps = given.text('field.syntax.version')?.toUpperCase() === 'V2' ? stepsOf(path) : [path];
    return (record) => {
      let value = record[part];
      for (const [at, step] of steps.entries()) {
        if (value === null) break;
        value = fieldOf(requireMap(value, at === 0 ? 'field extraction' : 'nested field access'), step);
      }
      return withPart(record, part, value);
    };
  },
};

/** The names of a path of version 2 (KIP-821): a name may be in backticks, and `\`` is a backtick in front of a dot within those. */
function stepsOf(path: string): string[] {
  const steps: string[] = [];
  let rest = path;
  for (;;) {
    if (!rest.startsWith('`')) {
      const dot = rest.indexOf('.');
      if (dot < 0) return [...steps, rest];
      steps.push(rest.slice(0, dot));
      rest = rest.slice(dot + 1);
      continue;
    }
    const end = closingBacktick(rest);
    if (end === undefined)
      throw new SettingMistake(
        'field',
        `Incomplete backtick pair in path: [${quoteValue(path)}], consider adding a backslash before backtick at position ${path.length - rest.length} to escape it`,
      );
    steps.push(rest.slice(1, end).replaceAll('\\`.', '`.'));
    if (end === rest.length - 1) return steps;
    rest = rest.slice(end + 2);
  }
}

/** The backtick that ends the name which begins with one: in front of a dot or the end, and not escaped. */
function closingBacktick(text: string): number | undefined {
  for (let at = text.indexOf('`', 1); at >= 0; at = text.indexOf('`', at + 1)) {
    const isLast = at === text.length - 1;
    if ((isLast || text[at + 1] === '.') && text[at - 1] !== '\\') return at;
  }
  return undefined;
}
