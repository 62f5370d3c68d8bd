import { type Converter, converterOf } from './converters.ts';
import type { Values } from './values.ts';

/** The processors that write a text as `value.converter` says. */
export function writtenAs(values: Values): unknown[] {
  switch (valueConverter(values)) {
    case 'json':
      return [{ convert: 'json' }];
    case 'connect_json':
      return [{ convert: values.flag('value.converter.schemas.enable') ? 'to_json_with_schema' : 'to_json_string' }];
    default:
      return [];
  }
}

/** The processors that make a message of a record that was written so. */
export function readAs(values: Values): unknown[] {
  switch (valueConverter(values)) {
    case 'json':
      return [{ convert: 'json' }];
    case 'connect_json':
      return [
        { convert: values.flag('value.converter.schemas.enable') ? 'from_json_with_schema' : 'from_json_string' },
      ];
    default:
      return [];
  }
}

function valueConverter(values: Values): Converter | undefined {
  return converterOf(values.text('value.converter') ?? '');
}
