/** Which way a process under test carries messages: sockets to Kafka, Kafka to sockets, or both. */
export type Direction = 'in' | 'out' | 'both';

export interface BaselineSettings {
  readonly port: number;
  readonly brokers: string[];
  readonly topic: string;
  readonly takes: boolean;
  readonly gives: boolean;
}

/** What the bench tells a baseline through the environment. */
export function baselineSettings(): BaselineSettings {
  const { PORT = '', KAFKA_BROKERS = '', TOPIC = '', DIRECTION = 'both' } = process.env;
  return {
    port: Number(PORT),
    brokers: KAFKA_BROKERS.split(','),
    topic: TOPIC,
    takes: DIRECTION !== 'out',
    gives: DIRECTION !== 'in',
  };
}

/** Says that messages flow; the bench waits for it. */
export function announceReady(): void {
  process.send?.({ ready: true });
}
