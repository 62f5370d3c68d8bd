import { createHmac } from 'node:crypto';
import { Draft, defineProcessor, ExactNumber, field, writeJson, z } from '../../sdk/index.ts';
import { jsonObjectOf } from './json-object.ts';

/** Text that replaces a value of the payload. */
type Mask = (value: unknown) => string;

const partial = z
  .strictObject({
    first: field.integer({ max: 1_000 }).prefault(0).describe('Characters at the beginning that stay.'),
    last: field.integer({ max: 1_000 }).prefault(0).describe('Characters at the end that stay.'),
    with: z.string().min(1, 'expected at least one character').prefault('*').describe('What each other one becomes.'),
  })
  .refine(({ first, last }) => first + last > 0, 'keeps no character; give first or last, or use redact');

export const mask = defineProcessor({
  name: 'mask',
  summary: 'Makes values of a JSON payload unreadable: replaced, in part, or as a hash.',
  description:
    'A number counts as the digits that came; an object or a list is replaced as a whole. A field that is not there, or is null, stays so. A hash is the HMAC-SHA256 of the text as 64 hexadecimal digits: equal values have equal hashes, so readers can still join and count by them, and readers without the key can neither read nor try values. A record without a value passes.',
  config: z
    .strictObject({
      fields: field.paths().describe('Paths of the values, such as `customer.email`.'),
      redact: z.string().optional().describe('Text in place of each value.'),
      partial: partial
        .optional()
        .describe('Keeps some characters; a text that is not longer than those is masked whole.'),
      hash: z
        .strictObject(
          {
            key: z
              .string('expected a key')
              .min(
                16,
                'a key needs at least 16 characters, else it can be guessed; fill it in from the environment, as ${MASK_KEY}',
              )
              .describe('Secret of the hash, 16 characters or more. Another key gives other hashes.'),
          },
          {
            // A key in their place is as secret as it is in them.
            error: ({ code }) =>
              code === 'invalid_type' ? 'expected { key: ... } with the key of the hash' : undefined,
          },
        )
        .optional()
        .describe('Keyed hash in place of each value.'),
    })
    .refine(
      ({ redact, partial, hash }) => [redact, partial, hash].filter((way) => way !== undefined).length === 1,
      'give exactly one of redact, partial and hash',
    ),
  failures: ['The payload is not a JSON object.'],
  examples: [
    {
      title: 'Leave the last four digits of a card',
      config: { fields: ['card'], partial: { last: 4 } },
      input: '{"card":"4111111111111234","sum":10}',
      output: '{"card":"************1234","sum":10}',
    },
    {
      title: 'Replace a name, at any depth',
      config: { fields: ['customer.name'], redact: '(removed)' },
      input: '{"customer":{"name":"Ada","id":7}}',
      output: '{"customer":{"name":"(removed)","id":7}}',
    },
    {
      title: 'Hash an address, so that the orders of one customer can still be counted',
      config: { fields: ['email'], hash: { key: 'an example, not a secret' } },
      input: '{"email":"ada@example.org"}',
      output: '{"email":"e847aed59ca83c468ff6a02b7c3a7324b2042bebe910365856358f9b3b29a9ce"}',
    },
  ],
  create: ({ fields, redact, partial, hash }) => {
    const masked =
      hash !== undefined ? hashed(hash.key) : partial !== undefined ? shortened(partial) : () => redact ?? '';
    return {
      process: (message) => {
        if (message.isTombstone) return message;
        const json = jsonObjectOf(message);
        const draft = new Draft(json);
        for (const path of fields) {
          const value = path.in(json);
          // It is gone where another path masked what is around it.
          if (value !== undefined && value !== null && path.in(draft.root) !== undefined)
            draft.set(path, masked(value));
        }
        return message.derive({ json: draft.root });
      },
    };
  },
});

function hashed(key: string): Mask {
  return (value) => createHmac('sha256', key).update(textOf(value)).digest('hex');
}

function shortened({ first, last, with: mark }: z.output<typeof partial>): Mask {
  return (value) => {
    // Some of the characters of an object would be those of the names in it.
    if (typeof value === 'object' && !(value instanceof ExactNumber)) return mark.repeat(first + last);
    // By whole characters: half of an emoji is not text.
    const characters = [...textOf(value)];
    if (characters.length <= first + last) return mark.repeat(characters.length);
    const hidden = characters.length - first - last;
    return `${characters.slice(0, first).join('')}${mark.repeat(hidden)}${characters.slice(first + hidden).join('')}`;
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (writeJson(value) ?? '');
}
