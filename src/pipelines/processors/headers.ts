import {
  defineProcessor,
  evaluateTexts,
  field,
  type Header,
  type Headers,
  type Message,
  withHeader,
  z,
} from '../../sdk/index.ts';

export const headers = defineProcessor({
  name: 'headers',
  summary: 'Sets, removes and renames headers.',
  description:
    'The steps run in this order: `remove`, `rename`, `set`. Expressions see the message as it came. Kafka allows a name several times: `remove` and `rename` mean all of that name, `set` puts one in place of all.',
  config: z
    .strictObject({
      remove: field.list().optional().describe('Names of headers to remove.'),
      rename: field
        .byName(field.plainText())
        .optional()
        .describe('New names by old ones; a header keeps its place and its value.'),
      set: field
        .byName(field.expression())
        .optional()
        .describe('Texts by name, with "${! }" in them; one without a value leaves the message as it is.'),
    })
    .refine(
      (settings) => Object.values(settings).some((setting) => setting !== undefined),
      'says nothing to do; give set, remove or rename',
    ),
  failures: ['An expression fails, or gives an object where text is due.'],
  examples: [
    {
      title: 'Say where a message is from, and hide what is internal',
      config: { remove: ['x-trace'], rename: { tenant: 'customer' }, set: { source: 'gateway', id: '${! json.id }' } },
      input: { text: '{"id":9007199254740993}', headers: { 'x-trace': '1', tenant: 'acme' } },
      output: {
        text: '{"id":9007199254740993}',
        headers: { customer: 'acme', source: 'gateway', id: '9007199254740993' },
      },
    },
  ],
  create: ({ remove = [], rename = {}, set = {} }) => {
    const gone = new Set(remove);
    const renamed = new Map(Object.entries(rename));
    const names = Object.keys(set);
    const texts = Object.values(set);
    const mayStay = gone.size === 0 && renamed.size === 0;
    const change = (message: Message, values: readonly (string | undefined)[]): Message => {
      let changed = mayStay ? message.headers : withNames(message.headers, gone, renamed);
      for (let at = 0; at < names.length; at += 1) {
        const value = values[at];
        if (value !== undefined) changed = withHeader(changed, names[at] as string, value); // as many as values
      }
      return message.derive({ headers: changed });
    };
    return {
      process: (message) => {
        const values = evaluateTexts(texts, message);
        return values instanceof Promise ? values.then((ready) => change(message, ready)) : change(message, values);
      },
    };
  },
});

function withNames(headers: Headers, gone: ReadonlySet<string>, renamed: ReadonlyMap<string, string>): Headers {
  return headers.filter(([name]) => !gone.has(name)).map(([name, value]): Header => [renamed.get(name) ?? name, value]);
}
