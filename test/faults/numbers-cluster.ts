import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type ClusterGateway, ConnectCluster } from '../helpers/connect-cluster.ts';
import { REBALANCING } from '../helpers/connect-gateway.ts';
import { until } from '../helpers/gateway-process.ts';
import { ResumableFeeds } from '../helpers/resumable-feeds.ts';
import { readTopic } from '../helpers/topic-content.ts';

/** Gateways that share connectors, whose feeds count 1, 2, 3 ... into one topic. */
export class NumbersCluster {
  readonly gateways: readonly ClusterGateway[];
  readonly feeds: ResumableFeeds;
  readonly topic: string;
  private readonly brokers: string;
  private readonly cluster: ConnectCluster;

  private constructor(
    brokers: string,
    cluster: ConnectCluster,
    gateways: readonly ClusterGateway[],
    feeds: ResumableFeeds,
  ) {
    this.brokers = brokers;
    this.cluster = cluster;
    this.gateways = gateways;
    this.feeds = feeds;
    this.topic = `${cluster.name}.numbers`;
  }

  /** Resolves when all gateways are ready. */
  static async start(t: TestContext, brokers: string, count: number): Promise<NumbersCluster> {
    const feeds = await ResumableFeeds.start(t);
    const cluster = new ConnectCluster(t, brokers);
    return new NumbersCluster(brokers, cluster, await cluster.startReady(count), feeds);
  }

  /** Creates a connector for the feed of that name; resolves with the gateway that runs it. */
  async connect(name: string, settings: Record<string, string> = {}): Promise<ClusterGateway> {
    const { api } = this.first;
    const config = { ...this.feeds.connector(name, this.topic), ...settings };
    assert.equal((await api.insist('POST', '/connectors', { name, config })).status, 201);
    const { body } = await api.state(name, 'RUNNING');
    const owner = this.gateways.find(({ worker }) => worker === body.tasks[0]?.worker_id);
    assert.ok(owner !== undefined, JSON.stringify(body));
    return owner;
  }

  /** The worker that has the connector itself, and not its task. */
  async workerOf(name: string): Promise<string> {
    const { body } = await this.first.api.state(name, 'RUNNING');
    return body.connector.worker_id as string;
  }

  freeze({ process }: ClusterGateway): void {
    process.process.kill('SIGSTOP');
  }

  thaw({ process }: ClusterGateway): void {
    process.process.kill('SIGCONT');
  }

  async kill({ process }: ClusterGateway): Promise<void> {
    await process.stop('SIGKILL');
  }

  /** Resolves when another gateway than `former` runs the task of the connector, as `witness` reports it. */
  async takenOver(name: string, former: ClusterGateway, witness: ClusterGateway, timeout: number): Promise<void> {
    await witness.api.until(
      `/connectors/${name}/status`,
      ({ body }) => body.tasks[0]?.worker_id !== former.worker && body.tasks[0]?.state === 'RUNNING',
      timeout,
    );
  }

  /** The cursor in the connector's offsets, when it is beyond `least`. */
  async cursorOf({ api }: ClusterGateway, name: string, least = 0): Promise<number> {
    const isBeyond = ({ body }: { body: { offsets: { offset: { cursor: number } }[] } }) =>
      (body.offsets[0]?.offset.cursor ?? 0) > least;
    const { body } = await api.until(`/connectors/${name}/offsets`, isBeyond);
    return body.offsets[0].offset.cursor as number;
  }

  /** Resolves when the stored cursor has reached the last number of the feed. */
  async catchesUp(gateway: ClusterGateway, name: string): Promise<void> {
    await this.cursorOf(gateway, name, this.feeds.of(name).last);
  }

  /** Changes the connector until the gateway answers that it has to wait for a rebalance, and then until it is done. */
  async changeDuringRebalance({ api }: ClusterGateway, name: string): Promise<void> {
    const path = `/connectors/${name}/config`;
    const config = this.feeds.connector(name, this.topic);
    await until(
      async () => {
        const answer = await api.call('PUT', path, config);
        assert.ok([200, 409].includes(answer.status), JSON.stringify(answer.body));
        if (answer.status === 409) assert.deepEqual(answer.body, { error_code: 409, message: REBALANCING });
        return answer.status === 409;
      },
      10_000,
      () => 'no call was answered with 409',
    );
    assert.equal((await api.insist('PUT', path, config)).status, 200);
  }

  /** Every number of every feed is in the topic, once; more often only where `mayRepeat` allows it. */
  isWhole(mayRepeat: (feed: string, seq: number) => boolean): Promise<void> {
    return this.feeds.isWhole(this.brokers, this.topic, mayRepeat);
  }

  gaps() {
    return readTopic(this.brokers, `${this.topic}.gaps`);
  }

  statuses() {
    return readTopic(this.brokers, `${this.cluster.name}.status`);
  }

  private get first(): ClusterGateway {
    return this.gateways[0] as ClusterGateway; // a cluster is started with at least one
  }
}
