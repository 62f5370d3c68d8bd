import { setField } from '../../sdk/index.ts';
import { dataError, requireMap } from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';
import type { TransformRecord } from './record.ts';
import { type Given, replaceNullWithDefault, type Setting, SettingMistake } from './setting.ts';

const FACTS: Readonly<Record<string, (record: TransformRecord) => unknown>> = {
  'topic.field': ({ topic }) => topic,
  'partition.field': ({ partition }) => partition,
  'offset.field': ({ offset }) => {
    if (offset === undefined)
      throw dataError('Only SinkRecord supported for [field insertion]: no offset is known yet');
    return offset;
  },
  'timestamp.field': ({ timestamp }) => timestamp,
};

const fieldSetting = (name: string, what: string): Setting => ({
  name,
  type: 'STRING',
  default: null,
  importance: 'MEDIUM',
  documentation: `Field that gets ${what}. ! or ? at the end, for required and optional fields of schemas, is ignored.`,
});

export const insertField: PartPlugin = {
  name: 'InsertField',
  settings: [
    fieldSetting('topic.field', 'the topic'),
    fieldSetting('partition.field', 'the partition, where it is known'),
    fieldSetting('offset.field', 'the offset; only in sinks'),
    fieldSetting('timestamp.field', 'the timestamp, in milliseconds'),
    fieldSetting('static.field', 'the text of static.value'),
    {
      name: 'static.value',
      type: 'STRING',
      default: null,
      importance: 'MEDIUM',
      documentation: 'Text for static.field.',
    },
    replaceNullWithDefault,
  ],
  create: (given, part) => {
    const insertions = insertionsOf(given);
    return (record) => {
      if (record[part] === null) return record;
      const changed = { ...requireMap(record[part], 'field insertion') };
      for (const { field, valueIn } of insertions) {
        const value = valueIn(record);
        if (value !== undefined) setField(changed, field, value);
      }
      return withPart(record, part, changed);
    };
  },
};

function insertionsOf(given: Given) {
  const insertions = Object.entries(FACTS).flatMap(([setting, valueIn]) => {
    const field = fieldNamed(given, setting);
    return field === undefined ? [] : [{ field, valueIn }];
  });
  const field = fieldNamed(given, 'static.field');
  if (field !== undefined) {
    const value = given.text('static.value');
    if (value === undefined)
      throw new SettingMistake(
        'static.value',
        `Invalid value null for configuration static.value: No value specified for static field: ${field}`,
      );
    insertions.push({ field, valueIn: () => value });
  }
  if (insertions.length === 0) throw new SettingMistake('type', 'No field insertion configured');
  return insertions;
}

function fieldNamed(given: Given, setting: string): string | undefined {
  return given.text(setting)?.replace(/[!?]$/, '');
}
