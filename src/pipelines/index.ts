import type { z } from 'zod';
import type { InnerSink } from '../sdk/define.ts';
import { collect } from './operators/collect/collect.ts';
import { dedupe } from './operators/dedupe.ts';
import { join } from './operators/join/join.ts';
import { latest } from './operators/latest/latest.ts';
import { pattern } from './operators/pattern/pattern.ts';
import { rateLimit } from './operators/rate-limit.ts';
import { sample } from './operators/sample.ts';
import { throttle } from './operators/throttle.ts';
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
import { lookup } from './processors/lookup/lookup.ts';
import { map } from './processors/map.ts';
import { mask } from './processors/mask.ts';
import { nest } from './processors/nest.ts';
import { split } from './processors/split.ts';
import { validate } from './processors/validate.ts';
import { allSink } from './sinks/all.ts';
import { dropSink } from './sinks/drop.ts';
import { endpointSink } from './sinks/endpoint.ts';
import { firstSink } from './sinks/first.ts';
import { routeSink } from './sinks/route.ts';
import { stdoutSink } from './sinks/stdout.ts';
import { topicSink } from './sinks/topic.ts';
import { endpointSource } from './sources/endpoint.ts';
import { generateSource } from './sources/generate.ts';
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
  lookup,
  map,
  mask,
  nest,
  split,
  validate,
];

const operators = [collect, dedupe, join, latest, pattern, rateLimit, sample, throttle, window];

/** The sources, processors and sinks that a pipeline may name. */
export const components = [
  endpointSource,
  generateSource,
  topicSource,
  ...processors,
  ...operators,
  dropSink,
  endpointSink,
  stdoutSink,
  topicSink,
];

/** The sinks that have others within them. `inner`: the schema of any sink. */
export const compositeSinks = (inner: z.ZodType<InnerSink>) => [allSink(inner), firstSink(inner), routeSink(inner)];
