import { setField } from '../../sdk/index.ts';
import { requireMap } from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';
import { replaceNullWithDefault, type Setting } from './setting.ts';

const list = (name: string, documentation: string): Setting => ({
  name,
  type: 'LIST',
  default: '',
  importance: 'MEDIUM',
  documentation,
});

export const replaceField: PartPlugin = {
  name: 'ReplaceField',
  settings: [
    list('exclude', 'Fields to remove, also those that include names.'),
    list('include', 'Fields to keep; all if there are none here.'),
    {
      ...list('renames', 'New names, as old:new,other:newer.'),
      flaw: (value) => {
        const wrong = (value as readonly string[]).find((mapping) => !isMapping(mapping));
        return wrong === undefined ? undefined : `Invalid rename mapping: ${wrong}`;
      },
    },
    replaceNullWithDefault,
  ],
  create: (given, part) => {
    const exclude = new Set(given.list('exclude'));
    const include = new Set(given.list('include'));
    const renames = new Map(given.list('renames').map((mapping) => mapping.split(':') as [string, string]));
    return (record) => {
      if (record[part] === null) return record;
      const map = requireMap(record[part], 'field replacement');
      const changed: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(map)) {
        if (exclude.has(name) || (include.size > 0 && !include.has(name))) continue;
        setField(changed, renames.get(name) ?? name, value);
      }
      return withPart(record, part, changed);
    };
  },
};

function isMapping(text: string): boolean {
  const parts = text.split(':');
  return parts.length === 2 && parts[1] !== '';
}
