import { connectTopics } from '../actors/connectors/topics.ts';
import type { GatewayParts } from '../actors/gateway/parts.ts';
import { presenceTopics } from '../actors/presence/topics.ts';
import type { GatewayConfig } from '../config/index.ts';

/** Topics that are listed, those that a pipeline or a room names without listing them, and those that rooms and connectors keep for themselves. */
export function wantedTopics(
  { log, endpoints, pipelines, connect }: GatewayConfig,
  isStandalone: boolean,
): GatewayParts['wantedTopics'] {
  const listed = Object.entries(log.topics).map(([name, topic]) => ({ ...topic, name }));
  const named = Object.values(pipelines).flatMap(({ source, sink, on_error }) => [
    ...[source, sink]
      .flatMap(({ spec, config }) => spec.references?.(config) ?? [])
      .flatMap(({ to, name }) => (to === 'topic' ? [name] : [])),
    ...(on_error.dead_letter === undefined ? [] : [on_error.dead_letter]),
  ]);
  const rooms = [...new Set(Object.values(endpoints).flatMap(({ presence }) => presence?.topic ?? []))];
  const unlisted = [...new Set([...named, ...rooms])].filter((name) => !Object.hasOwn(log.topics, name));
  return [
    ...listed,
    ...unlisted.map((name) => ({ name, create: true })),
    ...(connect === undefined || isStandalone ? [] : connectTopics(connect.topics)).map((topic) => ({
      ...topic,
      create: true,
    })),
    ...rooms.flatMap((room) => presenceTopics(room).map((topic) => ({ ...topic, create: true }))),
  ];
}
