import { readdir, readFile } from 'node:fs/promises';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import type { MetricFamily } from './exposition.ts';
import { GarbageCollections } from './garbage-collections.ts';
import type { NumberPoint } from './stats.ts';

interface ProcessMetric {
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'untyped';
  readonly help: string;
  readonly labels?: readonly string[];
}

/**
 * The closed list of metrics of the process and of Node.js, by the names of prom-client (15), which dashboards for
 * Node.js programs expect. Those of open files, virtual memory and VmData need Linux. A gauge of it whose name is that of a
 * counter has no type here: promtool takes any other one for a mistake.
 */
export const PROCESS_METRICS = {
  process_cpu_user_seconds_total: { kind: 'counter', help: 'CPU time in user code, in seconds.' },
  process_cpu_system_seconds_total: { kind: 'counter', help: 'CPU time in the kernel, in seconds.' },
  process_cpu_seconds_total: { kind: 'counter', help: 'CPU time in user code and in the kernel, in seconds.' },
  process_start_time_seconds: { kind: 'gauge', help: 'When the process started, in seconds since the epoch.' },
  process_resident_memory_bytes: { kind: 'gauge', help: 'Resident memory of the process.' },
  process_virtual_memory_bytes: { kind: 'gauge', help: 'Virtual memory of the process.' },
  process_heap_bytes: { kind: 'gauge', help: 'Data segment of the process (VmData).' },
  process_open_fds: { kind: 'gauge', help: 'Files and sockets that are open.' },
  process_max_fds: { kind: 'gauge', help: 'Files and sockets that may be open.' },
  nodejs_eventloop_lag_seconds: { kind: 'gauge', help: 'How late the event loop is at the moment of the scrape.' },
  nodejs_eventloop_lag_min_seconds: {
    kind: 'gauge',
    help: 'Smallest interval of a 10 ms timer since the last scrape.',
  },
  nodejs_eventloop_lag_max_seconds: { kind: 'gauge', help: 'Largest interval of a 10 ms timer since the last scrape.' },
  nodejs_eventloop_lag_mean_seconds: { kind: 'gauge', help: 'Mean interval of a 10 ms timer since the last scrape.' },
  nodejs_eventloop_lag_stddev_seconds: { kind: 'gauge', help: 'Standard deviation of that interval.' },
  nodejs_eventloop_lag_p50_seconds: { kind: 'gauge', help: 'Median of that interval.' },
  nodejs_eventloop_lag_p90_seconds: { kind: 'gauge', help: '90th percentile of that interval.' },
  nodejs_eventloop_lag_p99_seconds: { kind: 'gauge', help: '99th percentile of that interval.' },
  nodejs_active_resources: { kind: 'gauge', help: 'What keeps the event loop alive, by type.', labels: ['type'] },
  nodejs_active_resources_total: { kind: 'untyped', help: 'What keeps the event loop alive.' },
  nodejs_active_handles: { kind: 'gauge', help: 'Open sockets, servers and the like, by type.', labels: ['type'] },
  nodejs_active_handles_total: { kind: 'untyped', help: 'Open sockets, servers and the like.' },
  nodejs_active_requests: {
    kind: 'gauge',
    help: 'Calls of the system that are under way, by type.',
    labels: ['type'],
  },
  nodejs_active_requests_total: { kind: 'untyped', help: 'Calls of the system that are under way.' },
  nodejs_gc_duration_seconds: {
    kind: 'histogram',
    help: 'How long garbage collections took, by kind: minor, major, incremental or weakcb.',
    labels: ['kind'],
  },
  nodejs_heap_size_total_bytes: { kind: 'gauge', help: "V8's heap." },
  nodejs_heap_size_used_bytes: { kind: 'gauge', help: "What is used of V8's heap." },
  nodejs_external_memory_bytes: { kind: 'gauge', help: 'Memory outside of the heap that its objects refer to.' },
  nodejs_heap_space_size_total_bytes: { kind: 'gauge', help: "V8's heap, by space.", labels: ['space'] },
  nodejs_heap_space_size_used_bytes: { kind: 'gauge', help: "What is used of V8's heap, by space.", labels: ['space'] },
  nodejs_heap_space_size_available_bytes: {
    kind: 'gauge',
    help: "What is left of V8's heap, by space.",
    labels: ['space'],
  },
  nodejs_version_info: {
    kind: 'gauge',
    help: 'Always 1; the labels say which Node.js runs.',
    labels: ['version', 'major', 'minor', 'patch'],
  },
} as const satisfies Record<string, ProcessMetric>;

export type ProcessMetricName = keyof typeof PROCESS_METRICS;

type NumberName = Exclude<ProcessMetricName, 'nodejs_gc_duration_seconds'>;
type Points = Map<NumberName, readonly NumberPoint[]>;

/** Node has the lists that prom-client counts, but does not document them. */
interface Undocumented {
  _getActiveHandles?(): readonly object[];
  _getActiveRequests?(): readonly object[];
}

/** Milliseconds, as prom-client has it. */
const RESOLUTION = 10;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;
const STARTED_AT = Math.round(Date.now() / 1_000 - process.uptime());

/** Reads the metrics of the process. The event loop is watched by Node itself, outside of JavaScript. */
export class ProcessMetrics {
  private readonly lag: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  private readonly collections = new GarbageCollections();

  constructor() {
    this.lag.enable();
  }

  stop(): void {
    this.lag.disable();
    this.collections.stop();
  }

  /** What the process says of itself now; a metric that the system does not have is left out. */
  async snapshot(): Promise<MetricFamily[]> {
    const points = await this.numbers();
    const families: MetricFamily[] = [];
    for (const [name, ofName] of points)
      if (ofName.length > 0) families.push({ name, ...PROCESS_METRICS[name], points: ofName });
    const name = 'nodejs_gc_duration_seconds';
    return [...families, { name, ...PROCESS_METRICS[name], points: this.collections.points() }];
  }

  private async numbers(): Promise<Points> {
    const points: Points = new Map();
    const add = (name: NumberName, value: number | undefined) => {
      if (value !== undefined && Number.isFinite(value)) points.set(name, [{ labels: {}, value }]);
    };
    // First, as those that are read here would count as well.
    const files = await openFiles();
    const [now, limits, status] = await Promise.all([currentLag(), read('limits'), read('status')]);
    const { user, system } = process.cpuUsage();
    add('process_cpu_user_seconds_total', user / MICROSECONDS);
    add('process_cpu_system_seconds_total', system / MICROSECONDS);
    add('process_cpu_seconds_total', (user + system) / MICROSECONDS);
    add('process_start_time_seconds', STARTED_AT);
    const memory = process.memoryUsage();
    add('process_resident_memory_bytes', memory.rss);
    add('process_virtual_memory_bytes', kibibytes(status, 'VmSize'));
    add('process_heap_bytes', kibibytes(status, 'VmData'));
    add('process_open_fds', files);
    add('process_max_fds', mostFiles(limits));
    add('nodejs_eventloop_lag_seconds', now);
    this.addLag(add);
    add('nodejs_heap_size_total_bytes', memory.heapTotal);
    add('nodejs_heap_size_used_bytes', memory.heapUsed);
    add('nodejs_external_memory_bytes', memory.external);
    addActive(points);
    addSpaces(points);
    const [major = '', minor = '', patch = ''] = process.versions.node.split('.');
    points.set('nodejs_version_info', [{ labels: { version: process.version, major, minor, patch }, value: 1 }]);
    return points;
  }

  /** Of the time since the last scrape. */
  private addLag(add: (name: NumberName, value: number) => void): void {
    const { lag } = this;
    if (lag.count > 0) {
      add('nodejs_eventloop_lag_min_seconds', lag.min / NANOSECONDS);
      add('nodejs_eventloop_lag_max_seconds', lag.max / NANOSECONDS);
      add('nodejs_eventloop_lag_mean_seconds', lag.mean / NANOSECONDS);
      add('nodejs_eventloop_lag_stddev_seconds', lag.stddev / NANOSECONDS);
      add('nodejs_eventloop_lag_p50_seconds', lag.percentile(50) / NANOSECONDS);
      add('nodejs_eventloop_lag_p90_seconds', lag.percentile(90) / NANOSECONDS);
      add('nodejs_eventloop_lag_p99_seconds', lag.percentile(99) / NANOSECONDS);
    }
    lag.reset();
  }
}

function addActive(points: Points): void {
  const { _getActiveHandles: handles, _getActiveRequests: requests } = process as Undocumented;
  addTypes(points, 'nodejs_active_resources', process.getActiveResourcesInfo());
  addTypes(points, 'nodejs_active_handles', (handles?.call(process) ?? []).map(typeOf));
  addTypes(points, 'nodejs_active_requests', (requests?.call(process) ?? []).map(typeOf));
}

function addTypes(
  points: Points,
  name: 'nodejs_active_resources' | 'nodejs_active_handles' | 'nodejs_active_requests',
  types: readonly string[],
): void {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  points.set(
    name,
    [...counts].map(([type, value]) => ({ labels: { type }, value })),
  );
  points.set(`${name}_total`, [{ labels: {}, value: types.length }]);
}

function typeOf(handle: object): string {
  return handle.constructor?.name ?? 'Object';
}

function addSpaces(points: Points): void {
  const spaces = getHeapSpaceStatistics();
  const of = (read: (space: (typeof spaces)[number]) => number) =>
    spaces.map((space) => ({ labels: { space: space.space_name.replace(/_space$/, '') }, value: read(space) }));
  points.set(
    'nodejs_heap_space_size_total_bytes',
    of(({ space_size }) => space_size),
  );
  points.set(
    'nodejs_heap_space_size_used_bytes',
    of(({ space_used_size }) => space_used_size),
  );
  points.set(
    'nodejs_heap_space_size_available_bytes',
    of(({ space_available_size }) => space_available_size),
  );
}

/** Seconds that a callback waits for its turn. */
async function currentLag(): Promise<number> {
  const begin = performance.now();
  await new Promise((resolve) => setImmediate(resolve));
  return (performance.now() - begin) / 1_000;
}

/** undefined where there is no /proc. The folder is open itself while it is read. */
async function openFiles(): Promise<number | undefined> {
  try {
    return (await readdir('/proc/self/fd')).length - 1;
  } catch {
    return undefined;
  }
}

async function read(file: 'limits' | 'status'): Promise<string> {
  try {
    return await readFile(`/proc/self/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function kibibytes(status: string, name: string): number | undefined {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status) ?? [];
  return value === undefined ? undefined : Number(value) * 1_024;
}

function mostFiles(limits: string): number | undefined {
  const [, value] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return value === undefined ? undefined : Number(value);
}
