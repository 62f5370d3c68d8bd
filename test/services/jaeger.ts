import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort, until } from '../helpers/gateway-process.ts';
import { missingService } from './missing.ts';

/** A real Jaeger all-in-one. */
export interface JaegerService {
  /** Query API, such as `http://127.0.0.1:16686`. */
  readonly queryUrl: string;
  /** Thrift over HTTP. */
  readonly thriftEndpoint: string;
  /** OTLP over HTTP. */
  readonly otlpEndpoint: string;
}

export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
  readonly processID: string;
}

/** JAEGER_URL where a person gives one (with the usual ports), else a process of this test's own: JAEGER_BIN, or `jaeger` on the PATH. */
export async function requireJaeger(t: TestContext): Promise<JaegerService | undefined> {
  const given = process.env.JAEGER_URL;
  if (given !== undefined && given !== '') return atHost(new URL(given));
  try {
    return await startJaeger(t);
  } catch (error) {
    return missingService(t, 'Jaeger', error);
  }
}

/** All spans of one trace, once at least `count` have arrived. */
export async function findTrace(jaeger: JaegerService, traceId: string, count: number): Promise<readonly JaegerSpan[]> {
  let spans: readonly JaegerSpan[] = [];
  await until(
    async () => {
      const response = await fetch(`${jaeger.queryUrl}/api/traces/${traceId}`);
      const { data } = (await response.json()) as { data: readonly { spans: readonly JaegerSpan[] }[] | null };
      spans = data?.[0]?.spans ?? [];
      return spans.length >= count;
    },
    20_000,
    () =>
      `the trace ${traceId} has ${spans.length} of ${count} spans: ${spans.map(({ operationName }) => operationName).join(', ')}`,
  );
  return spans;
}

/** The spans of each trace of a service that has these tags on one of its spans, once there are at least `count` of them. */
export async function listTraces(
  jaeger: JaegerService,
  service: string,
  count: number,
  tags: Readonly<Record<string, string>> = {},
): Promise<readonly (readonly JaegerSpan[])[]> {
  const query = new URLSearchParams({ service, limit: '100', lookback: '1h', tags: JSON.stringify(tags) });
  let traces: readonly { spans: readonly JaegerSpan[] }[] = [];
  await until(
    async () => {
      const response = await fetch(`${jaeger.queryUrl}/api/traces?${query}`);
      traces = ((await response.json()) as { data: typeof traces | null }).data ?? [];
      return traces.length >= count;
    },
    20_000,
    () => `${service} has ${traces.length} of ${count} traces with ${JSON.stringify(tags)}`,
  );
  return traces.map(({ spans }) => spans);
}

/** A span with its tags by name, those of its process among them: one exporter puts them there, the other to each span. */
export interface TaggedSpan extends Omit<JaegerSpan, 'tags'> {
  /** Microseconds. */
  readonly startTime: number;
  readonly duration: number;
  readonly tags: Readonly<Record<string, unknown>>;
}

/** What a search for tags in Jaeger's user interface shows, once it is complete. */
export async function searchTraces(
  jaeger: JaegerService,
  service: string,
  tags: Readonly<Record<string, string>>,
  isComplete: (traces: readonly (readonly TaggedSpan[])[]) => boolean,
): Promise<readonly (readonly TaggedSpan[])[]> {
  const query = new URLSearchParams({ service, limit: '20', lookback: '1h', tags: JSON.stringify(tags) });
  let traces: readonly (readonly TaggedSpan[])[] = [];
  await until(
    async () => {
      const response = await fetch(`${jaeger.queryUrl}/api/traces?${query}`);
      const { data } = (await response.json()) as { data: readonly RawTrace[] | null };
      traces = (data ?? []).map(tagged);
      return isComplete(traces);
    },
    20_000,
    () => `${JSON.stringify(tags)} finds ${JSON.stringify(traces)}`,
  );
  return traces;
}

interface RawTrace {
  readonly spans: readonly (Omit<TaggedSpan, 'tags'> & Pick<JaegerSpan, 'tags'>)[];
  readonly processes: Readonly<Record<string, Pick<JaegerSpan, 'tags'>>>;
}

function tagged({ spans, processes }: RawTrace): TaggedSpan[] {
  return spans.map((span) => {
    const all = [...(processes[span.processID]?.tags ?? []), ...span.tags];
    return { ...span, tags: Object.fromEntries(all.map(({ key, value }) => [key, value])) };
  });
}

function atHost(query: URL): JaegerService {
  const { protocol, hostname } = query;
  return {
    queryUrl: query.origin,
    thriftEndpoint: `${protocol}//${hostname}:14268/api/traces`,
    otlpEndpoint: `${protocol}//${hostname}:4318/v1/traces`,
  };
}

async function startJaeger(t: TestContext): Promise<JaegerService> {
  const binary = process.env.JAEGER_BIN || onPath('jaeger');
  if (binary === undefined)
    throw new Error('set JAEGER_BIN to a Jaeger all-in-one binary, or put `jaeger` on the PATH');
  const [query, thrift, otlp] = [await freePort(), await freePort(), await freePort()];
  const free = async () => `:${await freePort()}`;
  const child = spawn(
    binary,
    [
      `--query.http-server.host-port=:${query}`,
      `--query.grpc-server.host-port=${await free()}`,
      `--collector.http-server.host-port=:${thrift}`,
      `--collector.grpc-server.host-port=${await free()}`,
      `--collector.otlp.http.host-port=:${otlp}`,
      `--collector.otlp.grpc.host-port=${await free()}`,
      `--admin.http.host-port=${await free()}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    });
  }
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const queryUrl = `http://127.0.0.1:${query}`;
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`jaeger ended with ${child.exitCode}: ${output}`);
      return (await fetch(`${queryUrl}/api/services`).catch(() => undefined))?.status === 200;
    },
    30_000,
    () => `jaeger does not answer: ${output}`,
  );
  return {
    queryUrl,
    thriftEndpoint: `http://127.0.0.1:${thrift}/api/traces`,
    otlpEndpoint: `http://127.0.0.1:${otlp}/v1/traces`,
  };
}

function onPath(name: string): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
