import { JavaRegex } from './java-regex.ts';
import type { Predicate } from './record.ts';
import { regexFlaw } from './regex-router.ts';
import { nonEmptyText, type PluginClass } from './setting.ts';

const PACKAGE = 'org.apache.kafka.connect.transforms.predicates.';

/** Predicates by their classes. */
export const predicates: readonly PluginClass<Predicate>[] = [
  {
    name: `${PACKAGE}HasHeaderKey`,
    settings: [
      {
        name: 'name',
        type: 'STRING',
        default: undefined,
        importance: 'MEDIUM',
        documentation: 'Name of a header that the record has to have.',
        flaw: nonEmptyText,
      },
    ],
    create: (given) => {
      const wanted = given.text('name');
      return ({ headers }) => headers.some(([name]) => name === wanted);
    },
  },
  {
    name: `${PACKAGE}RecordIsTombstone`,
    settings: [],
    create:
      () =>
      ({ value }) =>
        value === null,
  },
  {
    name: `${PACKAGE}TopicNameMatches`,
    settings: [
      {
        name: 'pattern',
        type: 'STRING',
        default: undefined,
        importance: 'MEDIUM',
        documentation:
          'Regular expression of Java that has to match the whole name of the topic, without look-around and backreferences.',
        flaw: (value) => nonEmptyText(value) ?? regexFlaw(value),
      },
    ],
    create: (given) => {
      const pattern = new JavaRegex(given.text('pattern') ?? '');
      return ({ topic }) => pattern.matches(topic);
    },
  },
];
