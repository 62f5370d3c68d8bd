import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { TestClient } from './client.ts';
import { freePort, type GatewayProcess, startGateway, until } from './gateway-process.ts';
import { LoadClient } from './load.ts';

/** What a reload answers. */
export interface ReloadReport {
  readonly result: string;
  readonly generation: number;
  readonly summary: string;
  readonly changes: readonly { readonly part: string; readonly action: string }[];
  readonly waiting: readonly string[];
  readonly problems: readonly string[];
}

/** What differs between two configurations of the rig. */
export interface Variation {
  /** `batch.count` of the pipeline that stores. */
  readonly count?: number;
  /** `batch.count` of the pipelines that read the topic: one fans out, one copies as a member of a group. */
  readonly outCount?: number;
  /** A processor of the pipeline that stores, which lets everything through. */
  readonly filter?: string;
  /** `limits` of the steady endpoint. */
  readonly limits?: string;
  readonly maxConnections?: number;
  /** An endpoint with a pipeline and a topic of that name. */
  readonly extra?: string;
  /** Path of the endpoint that is replaced when it changes. */
  readonly movedPath?: string;
  /** A second port. */
  readonly port?: number;
  /** Text at the end, which makes the file wrong. */
  readonly mistake?: string;
}

/** YAML with two endpoints: /ws, which is never replaced, and `movedPath`, which is. */
export function configOf(variation: Variation): string {
  const { count = 200, outCount = 200, filter, limits = '{}', maxConnections = 64, extra, port } = variation;
  const { movedPath = '/moved-0', mistake = '' } = variation;
  const processors = filter === undefined ? '[]' : `[ { filter: { keep: "\${! json.content != '${filter}' }" } } ]`;
  return `
log:
  driver: "\${KAFKA_DRIVER:auto}"
  brokers: "\${KAFKA_BROKERS:}"
  embedded: { path: "\${DATA_DIR:./data}" }
  topics: { messages: { partitions: 3 }, moved: { partitions: 1 }, copies: { partitions: 3 } }
admin: { port: "\${ADMIN_PORT:8080}" }
listeners:
  public: { port: "\${PORT:9090}" }
${port === undefined ? '' : `  second: { port: ${port} }\n`}endpoints:
  steady: { listener: public, path: /ws, codec: envelope, max_connections: ${maxConnections}, limits: ${limits} }
  moved: { listener: public, path: ${movedPath}, codec: envelope }
${extra === undefined ? '' : `  ${extra}: { listener: public, path: /${extra}, codec: envelope }\n`}pipelines:
  steady-in:
    source: { endpoint: steady }
    batch: { count: ${count} }
    processors: ${processors}
    sink: { topic: { name: messages, key: "\${! meta.client_id }" } }
  steady-out: { source: { topic: { names: [ messages ] } }, batch: { count: ${outCount} }, sink: { endpoint: steady } }
  copy:
    source: { topic: { names: [ messages ], group: copiers, from: earliest } }
    batch: { count: ${outCount} }
    sink: { topic: { name: copies } }
  moved-in: { source: { endpoint: moved }, sink: { topic: { name: moved } } }
${extra === undefined ? '' : `  ${extra}-in: { source: { endpoint: ${extra} }, sink: { topic: { name: ${extra} } } }\n`}shutdown: { timeout: 20s, jitter: 200ms }
${mistake}`;
}

/** A gateway whose file is changed while clients send without pause. */
export class ReloadRig {
  readonly gateway: GatewayProcess;
  readonly file: string;
  steady: readonly LoadClient[] = [];
  watcher: TestClient | undefined;
  /** Clients of endpoints that came and went. */
  readonly passing: LoadClient[] = [];

  private constructor(gateway: GatewayProcess, file: string) {
    this.gateway = gateway;
    this.file = file;
  }

  static async start(t: TestContext, env: Record<string, string>, dataDir?: string): Promise<ReloadRig> {
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-reload-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, configOf({}));
    const gateway = await startGateway(t, { args: ['run', file], env, ...(dataDir === undefined ? {} : { dataDir }) });
    await gateway.ready();
    return new ReloadRig(gateway, file);
  }

  url(path: string): string {
    return `ws://127.0.0.1:${this.gateway.port}${path}`;
  }

  /** Clients of /ws send with up to `window` unanswered messages each. */
  async load(clients: number, window: number): Promise<void> {
    this.watcher = await TestClient.open(this.url('/ws'));
    const names = Array.from({ length: clients }, (_, at) => `steady-${at}`);
    this.steady = await Promise.all(names.map((name) => LoadClient.open(name, this.url('/ws'), window)));
    await this.continues(100);
  }

  /** A client at another path, which its endpoint's end may close; resolves when it has some answers. */
  async pass(name: string, path: string): Promise<LoadClient> {
    const client = await LoadClient.open(name, this.url(path), 20);
    this.passing.push(client);
    await until(
      () => client.acked.size > 20,
      30_000,
      () => `no answers at ${path}: ${this.gateway.output().slice(-1_500)}`,
    );
    return client;
  }

  async reload(variation: Variation): Promise<ReloadReport> {
    writeFileSync(this.file, configOf(variation));
    return await this.post();
  }

  async post(): Promise<ReloadReport> {
    const response = await fetch(`http://127.0.0.1:${this.gateway.adminPort}/-/reload`, {
      method: 'POST',
      headers: { connection: 'close' },
    });
    return (await response.json()) as ReloadReport;
  }

  /** Resolves when each steady client has `more` ACKs than now. */
  async continues(more: number): Promise<void> {
    const before = this.steady.map(({ acked }) => acked.size);
    await until(
      () => this.steady.every(({ acked }, at) => acked.size > (before[at] ?? 0) + more),
      30_000,
      () => `the load does not continue: ${this.gateway.output().slice(-1_500)}`,
    );
  }

  /** Ends the load; resolves when every message of a client that is still connected is answered. */
  async finish(): Promise<void> {
    const clients = [...this.steady, ...this.passing];
    for (const client of clients) client.halt();
    await until(
      () => clients.every(({ unanswered, client }) => unanswered === 0 || client.closed !== undefined),
      30_000,
      () => 'some messages are not answered',
    );
  }

  /** The load of /ws has not noticed any reload; `stored`: how often each id is in the topic. */
  async assertUndisturbed(stored: ReadonlyMap<string, number>): Promise<void> {
    const { steady, watcher } = this;
    for (const { name, client, retryable, refused, acked } of steady) {
      assert.equal(client.closed, undefined, `${name} was closed`);
      assert.deepEqual([...retryable, ...refused], [], `${name} was asked to send again`);
      const missing = [...acked].filter((id) => !stored.has(id));
      assert.deepEqual(missing, [], `${name}: acked and not stored`);
    }
    assert.deepEqual(
      [...stored].filter(([, times]) => times !== 1),
      [],
      'stored twice',
    );
    await watcher?.until(() => watcher.of('USER').length >= stored.size, 30_000);
    const seen = watcher?.of('USER').map(({ id }) => String(id)) ?? [];
    assert.equal(seen.length, stored.size, 'the clients did not get each record once');
    assert.equal(new Set(seen).size, stored.size);
    const metrics = (await this.gateway.get('/metrics')).body;
    const opened = /tidegate_connections_opened_total\{endpoint="steady"\} (\d+)/.exec(metrics)?.[1];
    assert.equal(Number(opened), steady.length + 1, 'a socket was opened again');
  }

  /** The group has copied each record once: what it had read was committed before it was replaced. */
  async assertCopied(stored: ReadonlyMap<string, number>, copies: () => Promise<ReadonlyMap<string, number>>) {
    const deadline = Date.now() + 60_000;
    let copied = await copies();
    while (copied.size < stored.size && Date.now() < deadline) copied = await copies();
    assert.deepEqual(
      [...stored.keys()].filter((id) => copied.get(id) !== 1).map((id) => [id, copied.get(id)]),
      [],
      'not copied once',
    );
  }

  /** Clients of endpoints that left: what was acked is stored, and they were closed as at a restart. */
  assertClosed(stored: ReadonlyMap<string, number>): void {
    for (const { name, client, acked } of this.passing) {
      assert.ok(acked.size > 0);
      const missing = [...acked].filter((id) => !stored.has(id));
      assert.deepEqual(missing, [], `${name}: acked and not stored`);
      if (client.closed !== undefined) assert.equal(client.closed.code, 1012, name);
    }
  }

  /** Label values of endpoints and pipelines that have series. */
  async labels(): Promise<ReadonlySet<string>> {
    const { body } = await this.gateway.get('/metrics');
    const values = [...body.matchAll(/(?:endpoint|pipeline)="([^"]*)"/g)].map(([, value]) => value ?? '');
    return new Set(values);
  }

  get openFiles(): number {
    return readdirSync(`/proc/${this.gateway.process.pid}/fd`).length;
  }

  async freePort(): Promise<number> {
    return await freePort();
  }
}
