import type { Direction } from './baseline-settings.ts';

export interface GatewayConfigOptions {
  readonly port: number;
  readonly adminPort: number;
  readonly brokers: string;
  readonly topic: string;
  readonly direction: Direction;
  /** What its clients speak; envelopes where it is left out. */
  readonly protocol?: Protocol;
  /** URL of a server to bring into the topic; then there are no endpoints. */
  readonly feed?: string | undefined;
}

export type Protocol = 'envelope' | 'rooms' | 'topics';

const ENDPOINTS: Readonly<Record<Protocol, (topic: string) => string>> = {
  envelope: () => 'codec: envelope',
  rooms: (topic) => `codec: rooms, presence: { topic: ${topic} }, allow: { direct: everyone, kick: everyone }`,
  topics: () => 'codec: topics, allow: { create: "*", read: "*", write: "*", groups: "*" }, topics: { from: earliest }',
};

const IN = (topic: string) => `
  in:
    source: { endpoint: messages }
    sink: { topic: { name: ${topic}, key: "\${! meta.client_id }" } }`;

const OUT = (topic: string) => `
  out:
    source: { topic: { names: [ ${topic} ], from: latest } }
    sink: { endpoint: messages }`;

const FEED = (topic: string, url: string) => `
pipelines:
  feed:
    source: { websocket_client: { url: "${url}" } }
    sink: { topic: { name: ${topic} } }`;

const PIPELINES = (topic: string, direction: Direction) => `
pipelines:${direction === 'out' ? '' : IN(topic)}${direction === 'in' ? '' : OUT(topic)}`;

/** Endpoints as in config/gateway.yaml, in the directions that are measured, every limit at its default. */
export function gatewayConfig(options: GatewayConfigOptions): string {
  const { port, adminPort, brokers, topic, direction, protocol = 'envelope', feed } = options;
  const endpoints = `
listeners:
  public: { port: ${port} }
endpoints:
  messages: { listener: public, path: /ws, ${ENDPOINTS[protocol](topic)} }${protocol === 'topics' ? '' : PIPELINES(topic, direction)}`;
  return `
log:
  driver: kafkajs
  brokers: "${brokers}"
tracing: { exporter: none }
admin: { port: ${adminPort} }${feed === undefined ? endpoints : FEED(topic, feed)}
shutdown: { timeout: 10s, jitter: 0s }
`;
}
