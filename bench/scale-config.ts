import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from '../test/helpers/gateway-process.ts';

/** What a gateway may have that talks to brokers. */
export type Part = 'in' | 'broadcast' | 'group' | 'rooms' | 'topics' | 'connectors';

/** Those that are measured: each by itself, and all. */
export const PARTS: readonly (readonly Part[])[] = [
  ['in'],
  ['broadcast'],
  ['group'],
  ['rooms'],
  ['topics'],
  ['connectors'],
  ['in', 'broadcast', 'group', 'rooms', 'topics', 'connectors'],
];

const ENDPOINTS: Readonly<Record<string, string>> = {
  in: 'in: { listener: public, path: /in, codec: envelope }',
  broadcast: 'broadcast: { listener: public, path: /broadcast, codec: raw, direction: out }',
  rooms: 'rooms: { listener: public, path: /rooms, codec: rooms, presence: { topic: "${TOPIC}-rooms" } }',
  topics: 'topics: { listener: public, path: /topics, codec: topics, allow: { read: "*", groups: "*" } }',
};

const PIPELINES: Readonly<Record<string, string>> = {
  in: 'in: { source: { endpoint: in }, sink: { topic: { name: "${TOPIC}" } } }',
  broadcast: 'broadcast: { source: { topic: { names: [ "${TOPIC}" ] } }, sink: { endpoint: broadcast } }',
  group:
    'group: { source: { topic: { names: [ "${TOPIC}" ], group: "${TOPIC}" } }, sink: { topic: { name: "${TOPIC}-2" } } }',
  rooms: `rooms-in: { source: { endpoint: rooms }, sink: { topic: { name: "\${TOPIC}-rooms" } } }
  rooms-out: { source: { topic: { names: [ "\${TOPIC}-rooms" ] } }, sink: { endpoint: rooms } }`,
};

export function configFile(ends: Cleanup, parts: readonly Part[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-scale-'));
  ends.after(async () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'gateway.yaml');
  const hasEndpoints = parts.some((part) => ENDPOINTS[part] !== undefined);
  const section = (name: string, lines: Readonly<Record<string, string>>) => {
    const some = parts.flatMap((part) => (lines[part] === undefined ? [] : [`  ${lines[part]}\n`]));
    return some.length === 0 ? '' : `${name}:\n${some.join('')}`;
  };
  writeFileSync(
    file,
    `log:
  driver: kafkajs
  brokers: "\${KAFKA_BROKERS}"
  topics: { "\${TOPIC}": { partitions: 12 }, "\${TOPIC}-rooms": { partitions: 3 }, "\${TOPIC}-2": { partitions: 12 } }
admin: { port: "\${ADMIN_PORT}" }
shutdown: { timeout: 10s, jitter: 0s }
${parts.includes('connectors') ? 'connect: { port: 0 }\n' : ''}${hasEndpoints ? 'listeners: { public: { port: "${PORT}" } }\n' : ''}${section('endpoints', ENDPOINTS)}${section('pipelines', PIPELINES)}`,
  );
  return file;
}
