import assert from 'node:assert/strict';
import { memoryCeiling } from '../../src/config/ceiling.ts';
import { loadConfig } from '../../src/config/index.ts';
import type { Manifest } from './helm.ts';

/** Bytes by the units of Kubernetes. */
const UNITS: Readonly<Record<string, number>> = { Mi: 1_048_576, Gi: 1_073_741_824 };
/** Connections at their worst that the smallest pod has to bear; with an autoscaler, its share. */
const CONNECTIONS = 500;

/** Kubernetes kills a container that takes more than its limit, and with it the sockets of all clients. */
export async function assertRoomForMemory(manifests: readonly Manifest[]): Promise<void> {
  const [container] = manifests.find(isGateway)?.spec.template.spec.containers ?? [];
  const { metrics = [] } = manifests.find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.spec ?? {};
  const averages = metrics.map((metric: { pods?: { target: { averageValue: string } } }) =>
    Number(metric.pods?.target.averageValue ?? 0),
  );
  const set: readonly { name: string; value?: string }[] = container.env;
  const env = Object.fromEntries(set.map(({ name, value = '' }) => [name, value]));
  const text = manifests.find(({ data }) => data?.['gateway.yaml'] !== undefined)?.data?.['gateway.yaml'] ?? '';
  const { config } = await loadConfig({ text, name: 'gateway.yaml' }, { env });

  const most = memoryCeiling(config);
  const places = Object.values(config.endpoints).reduce((sum, { max_connections }) => sum + max_connections, 0);
  const each = most.connections / places;
  const needed = most.total - most.connections + each * Math.max(CONNECTIONS, ...averages);
  const [, number, unit = ''] = /^(\d+)(\w+)$/.exec(container.resources.limits.memory) ?? [];
  const limit = Number(number) * (UNITS[unit] ?? Number.NaN);
  assert.ok(limit >= needed, `a limit of ${limit / 1_048_576} MiB for ${needed / 1_048_576} MiB`);
}

function isGateway({ kind, metadata }: Manifest): boolean {
  return kind === 'Deployment' && !metadata.name.endsWith('-web-client');
}
