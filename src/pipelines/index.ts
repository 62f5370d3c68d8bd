import { window } from './operators/window/window.ts';
import { compress } from './processors/compress.ts';
import { convert } from './processors/convert.ts';
import { decode } from './processors/decode.ts';
import { decompress } from './processors/decompress.ts';
import { encode } from './processors/encode.ts';
import { extract } from './processors/extract.ts';
import { fields } from './processors/fields.ts';
import { filter } from './processors/filter.ts';
import { flatten } from './processors/flatten.ts';
import { headers } from './processors/headers.ts';
import { log } from './processors/log.ts';
import { map } from './processors/map.ts';
import { mask } from './processors/mask.ts';
import { nest } from './processors/nest.ts';
import { split } from './processors/split.ts';
import { validate } from './processors/validate.ts';
import { endpointSink } from './sinks/endpoint.ts';
import { topicSink } from './sinks/topic.ts';
import { endpointSource } from './sources/endpoint.ts';
import { topicSource } from './sources/topic.ts';

const processors = [
  compress,
  convert,
  decode,
  decompress,
  encode,
  extract,
  fields,
  filter,
  flatten,
  headers,
  log,
  map,
  mask,
  nest,
  split,
  validate,
];

/** The sources, processors and sinks that a pipeline may name. */
export const components = [endpointSource, topicSource, ...processors, window, endpointSink, topicSink];
