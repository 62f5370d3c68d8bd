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
export type Converter = (typeof CONVERTERS)[keyof typeof CONVERTERS];

export const converterNames = Object.keys(CONVERTERS);

/** Those that are classes of Kafka. */
export const converterClasses = converterNames.filter((name) => name.includes('.'));

/** A converter by its class, the class's own name, or our word for it; undefined where there is none of that name. */
export function converterOf(name: string): Converter | undefined {
  const full = converterNames.find((one) => one === name || one.endsWith(`.${name}`));
  return full === undefined ? undefined : CONVERTERS[full as keyof typeof CONVERTERS];
}
