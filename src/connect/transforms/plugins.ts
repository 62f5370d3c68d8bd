import { cast } from './cast.ts';
import { dropHeaders } from './drop-headers.ts';
import { extractField } from './extract-field.ts';
import { filter } from './filter.ts';
import { flatten } from './flatten.ts';
import { headerFrom } from './header-from.ts';
import { hoistField } from './hoist-field.ts';
import { insertField } from './insert-field.ts';
import { insertHeader } from './insert-header.ts';
import { maskField } from './mask-field.ts';
import type { PartPlugin } from './part-plugin.ts';
import type { Transform } from './record.ts';
import type { WholePlugin } from './record-plugin.ts';
import { regexRouter } from './regex-router.ts';
import { replaceField } from './replace-field.ts';
import type { PluginClass } from './setting.ts';
import { timestampConverter } from './timestamp-converter.ts';
import { timestampRouter } from './timestamp-router.ts';
import { valueToKey } from './value-to-key.ts';

const PACKAGE = 'org.apache.kafka.connect.transforms.';

const ofKeyAndValue = ({ name, settings, create }: PartPlugin): PluginClass<Transform>[] => [
  { name: `${PACKAGE}${name}$Key`, settings, create: (given) => create(given, 'key') },
  { name: `${PACKAGE}${name}$Value`, settings, create: (given) => create(given, 'value') },
];

const ofRecord = (plugin: WholePlugin): PluginClass<Transform>[] => [{ ...plugin, name: `${PACKAGE}${plugin.name}` }];

/** Transforms by their classes, in Connect's order. */
export const transforms: readonly PluginClass<Transform>[] = [
  ...ofKeyAndValue(cast),
  ...ofRecord(dropHeaders),
  ...ofKeyAndValue(extractField),
  ...ofRecord(filter),
  ...ofKeyAndValue(flatten),
  ...ofKeyAndValue(headerFrom),
  ...ofKeyAndValue(hoistField),
  ...ofKeyAndValue(insertField),
  ...ofRecord(insertHeader),
  ...ofKeyAndValue(maskField),
  ...ofRecord(regexRouter),
  ...ofKeyAndValue(replaceField),
  ...ofKeyAndValue(timestampConverter),
  ...ofRecord(timestampRouter),
  ...ofRecord(valueToKey),
];
