import {
  Draft,
  defineProcessor,
  evaluateTemplate,
  type FieldPath,
  field,
  type Message,
  together,
  z,
} from '../../sdk/index.ts';
import { jsonObjectOf } from './json-object.ts';

export const fields = defineProcessor({
  name: 'fields',
  summary: 'Sets, renames, removes and keeps fields of a JSON payload.',
  description:
    'A path is names with dots between them, `customer.address.city`; a number is a position in a list, `items.0.price`; a dot within a name is written `\\.`. The steps run in this order, whatever their order in the file: `keep`, `remove`, `rename`, `set`. Expressions see the message as it came. A field that is not there is neither renamed nor removed. Numbers keep all their digits. A record without a value passes.',
  config: z
    .strictObject({
      keep: field.paths().optional().describe('Fields to keep; all others are removed.'),
      remove: field.paths().optional().describe('Fields to remove.'),
      rename: field
        .byPath(field.path())
        .optional()
        .describe('New paths by old ones. All are taken out before the first is put back, so names can be swapped.'),
      set: field
        .byPath(field.value())
        .optional()
        .describe(
          'Values by path: any value, with "${! }" for one of the message. Missing objects of a path are made. An expression without a value leaves the field as it is.',
        ),
    })
    .refine(
      (settings) => Object.values(settings).some((setting) => setting !== undefined),
      'says nothing to do; give keep, remove, rename or set',
    )
    .superRefine(({ rename }, context) => {
      const targets = Object.entries(rename ?? {});
      for (const [at, [name, path]] of targets.entries()) {
        const other = targets.slice(0, at).find(([, one]) => one.contains(path) || path.contains(one));
        if (other === undefined) continue;
        const message = `"${path.text}" and "${other[1].text}" of rename would overwrite each other; give one of them another path`;
        context.addIssue({ code: 'custom', path: ['rename', name], message });
      }
    }),
  failures: ['The payload is not a JSON object.', 'A path to set leads through text, a number or null.'],
  examples: [
    {
      title: 'Remove what no reader may see, and name the rest as readers expect it',
      config: { remove: ['card'], rename: { 'customer.nm': 'customer.name' }, set: { version: 2 } },
      input: '{"id":9007199254740993,"card":"4111","customer":{"nm":"Ada"}}',
      output: '{"id":9007199254740993,"customer":{"name":"Ada"},"version":2}',
    },
    {
      title: 'Keep two fields, and add values of the message',
      config: { keep: ['id', 'customer.name'], set: { 'source.topic': 'orders', 'source.key': '${! key }' } },
      input: { text: '{"id":1,"note":"x","customer":{"name":"Ada","age":36}}', key: 'k7' },
      output: { text: '{"id":1,"customer":{"name":"Ada"},"source":{"topic":"orders","key":"k7"}}', key: 'k7' },
    },
  ],
  create: ({ keep, remove = [], rename = {}, set = {} }) => {
    const renames = Object.entries(rename).map(([from, to]) => ({ from: field.path().parse(from), to }));
    const targets = Object.keys(set).map((text) => field.path().parse(text));
    const templates = Object.values(set);
    const change = (message: Message, values: readonly unknown[]): Message => {
      const json = jsonObjectOf(message);
      const draft = new Draft(keep === undefined ? json : kept(json, keep));
      draft.removeAll(remove);
      move(draft, renames);
      for (const [at, path] of targets.entries()) if (values[at] !== undefined) draft.set(path, values[at]);
      return message.derive({ json: draft.root });
    };
    return {
      process: (message) => {
        if (message.isTombstone) return message;
        const values = templates.map((template) => evaluateTemplate(template, message));
        return together(values, (found) => change(message, found));
      },
    };
  },
});

function kept(json: object, paths: readonly FieldPath[]): unknown {
  const draft = new Draft({});
  for (const path of paths) {
    const value = path.in(json);
    if (value !== undefined) draft.set(path, value);
  }
  return draft.root;
}

function move(draft: Draft, renames: readonly { readonly from: FieldPath; readonly to: FieldPath }[]): void {
  const taken = renames.map(({ from }) => from.in(draft.root));
  draft.removeAll(renames.map(({ from }) => from));
  for (const [at, { to }] of renames.entries()) if (taken[at] !== undefined) draft.set(to, taken[at]);
}
