import type { Direction } from './baseline-settings.ts';

export interface GatewayConfigOptions {
  readonly port: number;
  readonly adminPort: number;
  readonly brokers: string;
  readonly topic: string;
  readonly direction: Direction;
}

const IN = (topic: string) => `
  in:
    source: { endpoint: messages }
    sink: { topic: { name: ${topic}, key: "\${! meta.client_id }" } }`;

const OUT = (topic: string) => `
  out:
    source: { topic: { names: [ ${topic} ], from: latest } }
    sink: { endpoint: messages }`;

/** S1 as in config/gateway.yaml, in the directions that are measured, every limit at its default. */
export function gatewayConfig({ port, adminPort, brokers, topic, direction }: GatewayConfigOptions): string {
  return `
log:
  driver: kafkajs
  brokers: "${brokers}"
tracing: { exporter: none }
admin: { port: ${adminPort} }
listeners:
  public: { port: ${port} }
endpoints:
  messages: { listener: public, path: /ws, codec: envelope }
pipelines:${direction === 'out' ? '' : IN(topic)}${direction === 'in' ? '' : OUT(topic)}
shutdown: { timeout: 10s, jitter: 0s }
`;
}
