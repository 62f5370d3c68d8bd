import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, repositoryRoot, untilReady } from '../started.ts';

/** A program under test that carries a topic of Kafka to channels, and speaks Centrifugo's protocol. */
export interface ChannelServer {
  readonly port: number;
  readonly pid: number;
  /** What it takes from its topic for one record of a channel. */
  record(channel: string, data: string): { key: string; value: string };
  stop(): Promise<void>;
}

export interface Around {
  readonly brokers: string;
  readonly topic: string;
}

/** How many bytes may wait for one client, at both: what a turn of the bench sends. */
const QUEUE_MIB = 64;

/** The program as an operator runs it, with a file of its own. */
export async function startTidegate({ brokers, topic }: Around): Promise<ChannelServer> {
  const [port, admin] = [await freePort(), await freePort()];
  const config = `
log: { driver: kafkajs, brokers: "${brokers}" }
tracing: { exporter: none }
admin: { port: ${admin} }
listeners: { public: { port: ${port} } }
endpoints:
  prices:
    listener: public
    path: /ws
    codec: centrifuge
    direction: out
    max_connections: 20000
    slow_consumer: { queue: ${QUEUE_MIB}MiB }
    channels: { max_per_connection: 100000 }
    allow: { connect: everyone, subscribe: "c.*" }
pipelines:
  out:
    source: { topic: { names: [ ${topic} ], from: latest } }
    sink: { endpoint: { name: prices, channel: "\${! key }" } }
shutdown: { timeout: 1s, jitter: 0s }
`;
  const args = (file: string) => [join(repositoryRoot(), 'bin', 'tidegate'), 'run', file];
  const started = start(process.execPath, args, 'gateway.yaml', config, { LOG_LEVEL: 'error' });
  await untilReady(`http://127.0.0.1:${admin}/ready`, started.process);
  return { ...started, port, record: (channel, data) => ({ key: channel, value: data }) };
}

/** Centrifugo 5.4 with its own consumer of Kafka, anonymous clients and nothing kept. */
export async function startCentrifugo(program: string, { brokers, topic }: Around): Promise<ChannelServer> {
  const port = await freePort();
  const kafka = { brokers: [brokers], topics: [topic], consumer_group: topic };
  const config = JSON.stringify({
    ...{ address: '127.0.0.1', port, health: true, log_level: 'error', websocket_handler_prefix: '/ws' },
    ...{ allow_anonymous_connect_without_token: true, allow_subscribe_for_anonymous: true },
    ...{ allow_subscribe_for_client: true, client_channel_limit: 100_000 },
    ...{ client_queue_max_size: QUEUE_MIB * 1_048_576, client_user_connection_limit: 0 },
    consumers: [{ name: 'bench', type: 'kafka', kafka }],
  });
  const started = start(program, (file) => ['-c', file], 'config.json', config, {});
  await untilReady(`http://127.0.0.1:${port}/health`, started.process);
  const record = (channel: string, data: string) => ({
    key: channel,
    value: `{"method":"publish","payload":{"channel":"${channel}","data":${data}}}`,
  });
  return { ...started, port, record };
}

function start(program: string, args: (file: string) => string[], name: string, config: string, env: object) {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-bench-'));
  const file = join(folder, name);
  writeFileSync(file, config);
  const child = spawn(program, args(file), { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${program}`);
  const stop = async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    rmSync(folder, { recursive: true });
  };
  return { process: child, pid, stop };
}
