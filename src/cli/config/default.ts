import { stringify } from 'yaml';
import { configJsonSchema } from '../../config/reference/json-schema.ts';
import { objectForm, type Schema, valuesOf, withoutComponents } from '../../config/reference/setting-rows.ts';
import { registryFor } from '../list.ts';
import { plainText, wrapped } from '../terminal-text.ts';

const WIDTH = 110;

const HEAD = `# Every setting of Tidegate with its default and what it means. What has no default is commented out, as are the
# entries of listeners, endpoints, pipelines, auth and log.topics: NAME stands for a name that you choose.
# \`tidegate list\` prints what codec, source, processors and sink may be, and \`tidegate show\` their settings.`;

/** Prints a configuration with all settings and their defaults. Resolves with the exit code. */
export async function printDefaults(): Promise<number> {
  const schema = configJsonSchema(await registryFor(undefined)) as Schema;
  const sections = Object.entries(schema.properties ?? {}).map(([name, section]) =>
    settingLines(name, withoutComponents(section), '', false).join('\n'),
  );
  console.log([HEAD, ...sections].join('\n\n'));
  return 0;
}

/** `isOff`: commented out, as something around it is. `#key` is a setting, and `# text` a comment. */
function settingLines(name: string, schema: Schema, indent: string, isOff: boolean, isRequired = false): string[] {
  const form = objectForm(schema);
  const isUnset = isOff || (schema.default === undefined && form?.default === undefined);
  const mark = isUnset ? '#' : '';
  const lines = commentOf(schema, isRequired, form === undefined).flatMap((text) =>
    wrapped(text, `${indent}# `, WIDTH),
  );
  const { properties, additionalProperties } = form ?? {};
  const inner = [
    ...Object.entries(properties ?? {}).flatMap(([key, setting]) =>
      settingLines(key, setting, `${indent}  `, isUnset, form?.required?.includes(key) ?? false),
    ),
    ...(typeof additionalProperties === 'object'
      ? settingLines('NAME', additionalProperties, `${indent}  `, true)
      : []),
  ];
  if (form !== undefined && properties !== undefined) return [...lines, `${indent}${mark}${name}:`, ...inner];
  const value = form === undefined ? defaultText(schema.default) : '{}';
  return [...lines, `${indent}${mark}${name}:${value === '' ? '' : ` ${value}`}`, ...inner];
}

function commentOf(schema: Schema, isRequired: boolean, isPlain: boolean): string[] {
  const values = isPlain && schema.type === undefined && schema.anyOf === undefined ? '' : valuesOf(schema);
  const about = [isRequired ? 'required' : '', isPlain ? plainText(values) : '']
    .filter((part) => part !== '')
    .join('; ');
  const text = plainText(schema.description ?? '');
  if (text === '' && about === '') return [];
  return [about === '' ? text : text === '' ? `(${about})` : `${text} (${about})`];
}

function defaultText(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? stringify(value).trim() : JSON.stringify(value);
}
