import { convert } from './processors/convert.ts';
import { filter } from './processors/filter.ts';
import { log } from './processors/log.ts';
import { map } from './processors/map.ts';
import { endpointSink } from './sinks/endpoint.ts';
import { topicSink } from './sinks/topic.ts';
import { websocketClientSink } from './sinks/websocket-client.ts';
import { endpointSource } from './sources/endpoint.ts';
import { topicSource } from './sources/topic.ts';
import { websocketClientSource } from './sources/websocket-client.ts';

/** The sources, processors and sinks that a pipeline may name. */
export const components = [
  endpointSource,
  topicSource,
  websocketClientSource,
  convert,
  map,
  filter,
  log,
  endpointSink,
  topicSink,
  websocketClientSink,
];
