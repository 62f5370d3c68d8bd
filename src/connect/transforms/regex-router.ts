import { reasonOf } from '../../core/errors.ts';
import { JavaRegex } from './java-regex.ts';
import type { WholePlugin } from './record-plugin.ts';
import { type Given, SettingMistake } from './setting.ts';

export const regexRouter: WholePlugin = {
  name: 'RegexRouter',
  settings: [
    {
      name: 'regex',
      type: 'STRING',
      default: undefined,
      importance: 'HIGH',
      documentation:
        'Regular expression of Java that has to match the whole name of a topic, without look-around and backreferences.',
      flaw: regexFlaw,
    },
    {
      name: 'replacement',
      type: 'STRING',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Name that such a topic becomes; $1 is the first group.',
    },
  ],
  create: (given) => {
    const { regex, replacement } = partsOf(given);
    return (record) => {
      if (regex.matches(record.topic)) record.topic = regex.replaceFirst(record.topic, replacement);
      return record;
    };
  },
};

/** The mistake in a regular expression, in Connect's words. */
export function regexFlaw(source: string | readonly string[]): string | undefined {
  try {
    new JavaRegex(String(source));
    return undefined;
  } catch (error) {
    return `Invalid regex: ${reasonOf(error)}`;
  }
}

function partsOf(given: Given) {
  const regex = new JavaRegex(given.text('regex') ?? '');
  const replacement = given.text('replacement') ?? '';
  const flaw = regex.flawOf(replacement);
  if (flaw !== undefined)
    throw new SettingMistake('replacement', `Invalid value ${replacement} for configuration replacement: ${flaw}`);
  return { regex, replacement };
}
