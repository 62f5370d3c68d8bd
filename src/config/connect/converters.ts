import type { Values } from './values.ts';

/** Converters by all their names: classes as Connect has them, and the short words of our own. */
const CONVERTERS = {
  'org.apache.kafka.connect.converters.ByteArrayConverter': 'bytes',
  'org.apache.kafka.connect.json.JsonConverter': 'connect_json',
  'org.apache.kafka.connect.storage.StringConverter': 'string',
  bytes: 'bytes',
  json: 'json',
  string: 'string',
} as const;

/** connect_json: what Kafka's JsonConverter makes of a text. json: the text is JSON itself. */
type Converter = (typeof CONVERTERS)[keyof typeof CONVERTERS];

export const converterNames = Object.keys(CONVERTERS);

/** Those that are classes of Kafka. */
export const converterClasses = converterNames.filter((name) => name.includes('.'));

/** A converter by its class, the class's own name, or our word for it; undefined where there is none of that name. */
export function converterOf(name: string): Converter | undefined {
  const full = converterNames.find((one) => one === name || one.endsWith(`.${name}`));
  return full === undefined ? undefined : CONVERTERS[full as keyof typeof CONVERTERS];
}

/** The processors that write a text as `value.converter` says. */
export function writtenAs(values: Values): unknown[] {
  switch (valueConverter(values)) {
    case 'json':
      return [{ convert: 'json' }];
    case 'connect_json':
      return [{ convert: values.flag('value.converter.schemas.enable') ? 'to_json_with_schema' : 'to_json_string' }];
    default:
      return [];
  }
}

/** The processors that make a message of a record that was written so. */
export function readAs(values: Values): unknown[] {
  switch (valueConverter(values)) {
    case 'json':
      return [{ convert: 'json' }];
    case 'connect_json':
      return [
        { convert: values.flag('value.converter.schemas.enable') ? 'from_json_with_schema' : 'from_json_string' },
      ];
    default:
      return [];
  }
}

function valueConverter(values: Values): Converter | undefined {
  return converterOf(values.text('value.converter') ?? '');
}
