import { ConnectApi } from './connect-gateway.ts';
import { type Cleanup, freePort, type GatewayProcess, startGateway } from './gateway-process.ts';
import { uniqueTopic } from './unique-topic.ts';

/** A gateway with connectors, in a process of its own. */
export interface ClusterGateway {
  readonly process: GatewayProcess;
  readonly api: ConnectApi;
  /** How it is called in statuses. */
  readonly worker: string;
}

/** Gateways in processes of their own that share connectors; sessions take 6 s, the shortest that a broker allows. */
export class ConnectCluster {
  /** Its group, and what the names of its topics begin with. */
  readonly name = `_${uniqueTopic('connect')}`;
  private readonly t: Cleanup;
  private readonly brokers: string;

  constructor(t: Cleanup, brokers: string) {
    this.t = t;
    this.brokers = brokers;
  }

  /** Resolves when its port answers; it may have to wait for the group still. */
  async start(): Promise<ClusterGateway> {
    const port = await freePort();
    const env = { KAFKA_BROKERS: this.brokers, CONNECT_PORT: String(port), CLUSTER: this.name };
    const process = await startGateway(this.t, { config: 'test/fixtures/connect.yaml', env });
    return { process, api: new ConnectApi(`http://127.0.0.1:${port}`), worker: `127.0.0.1:${port}` };
  }

  /** Resolves when each of them is ready. */
  async startReady(count: number): Promise<ClusterGateway[]> {
    const gateways = await Promise.all(Array.from({ length: count }, () => this.start()));
    await Promise.all(gateways.map(({ process }) => process.ready()));
    return gateways;
  }
}
