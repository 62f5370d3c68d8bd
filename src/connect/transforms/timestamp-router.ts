import { reasonOf } from '../../core/errors.ts';
import { DateFormat } from './date-format.ts';
import { dataError } from './java-values.ts';
import type { WholePlugin } from './record-plugin.ts';
import { SettingMistake } from './setting.ts';

export const timestampRouter: WholePlugin = {
  name: 'TimestampRouter',
  settings: [
    {
      name: 'topic.format',
      type: 'STRING',
      default: '${topic}-${timestamp}',
      importance: 'HIGH',
      documentation: 'New name of the topic, with ${topic} and ${timestamp} in it.',
    },
    {
      name: 'timestamp.format',
      type: 'STRING',
      default: 'yyyyMMdd',
      importance: 'HIGH',
      documentation: 'Form of the timestamp, as in java.text.SimpleDateFormat; in UTC.',
    },
  ],
  create: (given) => {
    const topicFormat = given.text('topic.format') ?? '';
    const format = formatOf('timestamp.format', given.text('timestamp.format') ?? '');
    return (record) => {
      if (record.timestamp === undefined) throw dataError('Timestamp missing on record');
      const { topic } = record;
      const time = format.format(record.timestamp);
      record.topic = topicFormat.replaceAll('${topic}', () => topic).replaceAll('${timestamp}', () => time);
      return record;
    };
  },
};

/** Throws SettingMistake. */
export function formatOf(setting: string, pattern: string): DateFormat {
  try {
    return new DateFormat(pattern);
  } catch (error) {
    throw new SettingMistake(setting, `Invalid value ${pattern} for configuration ${setting}: ${reasonOf(error)}`);
  }
}
