import { z } from 'zod';
import { compiled } from '../../sdk/compiled.ts';
import * as field from '../../sdk/fields.ts';
import { NamePattern } from '../../sdk/name-pattern.ts';

/** A name with `*` for any text, and claims in it. */
const pattern = () => compiled(z.string().min(1), (text) => new NamePattern(text));

const allowed = () =>
  z
    .union(
      [z.enum(['everyone', 'nobody']), z.array(pattern())],
      'expected everyone, nobody, or a list of names such as [admin, "team-*"]',
    )
    .prefault('nobody');

/** Names of topics, groups or channels. */
export const names = () =>
  z
    .preprocess(
      (value: string | readonly string[]) => (typeof value === 'string' ? [value] : value),
      z.array(pattern(), 'expected a list of names such as [orders, "public-*"]').meta({ type: ['array', 'string'] }),
    )
    .prefault([]);

export const allow = z.strictObject({
  connect: field
    .condition()
    .optional()
    .describe(
      'Which clients may connect, such as "${! \'trader\' in auth.roles }"; the others are refused with 403. All where it is left out.',
    ),
  direct: allowed().describe(
    'Who may send to one other client alone: everyone, nobody, or names, with * for any text.',
  ),
  kick: allowed().describe('Who may disconnect other clients.'),
  create: names().describe(
    'Topics that clients may create, by name, with * for any text and claims such as orders.${! auth.tenant }.*',
  ),
  read: names().describe('Topics that clients may list and subscribe to.'),
  write: names().describe('Topics that clients may list and publish to.'),
  groups: names().describe('Consumer groups that clients may join.'),
  subscribe: names().describe(
    'Channels that clients may subscribe to, by name, such as symbol.* or user.${! auth.sub }',
  ),
  publish: names().describe('Channels that clients may publish to, by name. Their messages have it as meta.channel.'),
});
