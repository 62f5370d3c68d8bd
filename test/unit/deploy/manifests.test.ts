import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../../src/config/index.ts';
import { METRICS } from '../../../src/telemetry/catalog.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const values = (name: string) => parse(read(`deploy/helm/tidegate/${name}`)) as Values;

interface Values {
  readonly config?: object;
  readonly ports?: readonly { readonly name: string; readonly port: number }[];
  readonly adminPort?: number;
  readonly shutdown?: { readonly timeoutSeconds: number; readonly jitterSeconds: number };
  readonly podSecurityContext?: { readonly runAsUser: number };
}

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: { readonly runAsUser: number };
        readonly containers: readonly {
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
        }[];
      };
    };
  };
}

const environment = { KAFKA_BROKERS: 'kafka:9092' };

test('the gateways of the chart and of the manifests are configurations without a mistake', async () => {
  const texts = {
    'deploy/helm/tidegate/values.yaml': JSON.stringify(values('values.yaml').config),
    'deploy/kubernetes/base/gateway.yaml': read('deploy/kubernetes/base/gateway.yaml'),
  };
  for (const [name, text] of Object.entries(texts)) {
    const { config, warnings } = await loadConfig({ text, name }, { env: environment, production: null });
    assert.equal(config.log.driver, 'kafkajs', name);
    assert.deepEqual(
      warnings.filter(({ severity }) => severity === 'warning').map(({ message }) => message),
      [],
      name,
    );
  }
});

test('a pod has the ports that its gateway binds', async () => {
  const base = parse(read('deploy/kubernetes/base/deployment.yaml')) as Deployment;
  const manifest = (base.spec.template.spec.containers[0]?.ports ?? []).map(({ containerPort }) => containerPort);
  assert.deepEqual(manifest, await portsOf(read('deploy/kubernetes/base/gateway.yaml')));

  const { config, ports = [], adminPort = 0 } = values('values.yaml');
  assert.deepEqual([...ports.map(({ port }) => port), adminPort], await portsOf(JSON.stringify(config)));
});

test('a pod that stops has time for load balancers to notice, for shutdown.timeout, and a rest', async () => {
  const base = parse(read('deploy/kubernetes/base/deployment.yaml')) as Deployment;
  const { terminationGracePeriodSeconds: grace, containers } = base.spec.template.spec;
  const wait = /setTimeout\(\(\) => \{\}, (\d+)\)/.exec(containers[0]?.lifecycle.preStop.exec.command.join(' ') ?? '');
  const { config } = await loadConfig(
    { text: read('deploy/kubernetes/base/gateway.yaml'), name: 'gateway.yaml' },
    { env: environment },
  );
  assert.equal(grace, Number(wait?.[1]) / 1_000 + config.shutdown.timeout / 1_000 + 5);
  assert.ok(Number(wait?.[1]) > config.shutdown.jitter, 'the last clients are closed after load balancers know');
});

test('pods run as the user of the image', () => {
  const [, user] = /FROM gcr\.io\/distroless\/\S+:nonroot[\s\S]*--chown=(\d+):\1 /.exec(read('Dockerfile')) ?? [];
  assert.ok(user !== undefined);
  const base = parse(read('deploy/kubernetes/base/deployment.yaml')) as Deployment;
  assert.equal(base.spec.template.spec.securityContext.runAsUser, Number(user));
  assert.equal(values('values.yaml').podSecurityContext?.runAsUser, Number(user));
});

test('autoscalers ask for a metric that the gateway has and that the adapter serves', () => {
  const { rules } = parse(read('deploy/kubernetes/prometheus-adapter.yaml')) as {
    rules: { custom: { seriesQuery: string; name: { as: string } }[] };
  };
  const [rule] = rules.custom;
  const served = rule?.name.as ?? '';
  assert.ok(served in METRICS && rule?.seriesQuery.startsWith(`${served}{`), served);
  for (const file of ['deploy/kubernetes/prod/autoscaling.yaml', 'deploy/helm/tidegate/templates/hpa.yaml'])
    assert.ok(read(file).includes(`metric: { name: ${served} }`), file);
});

test('every file of the deployments that is YAML can be read', () => {
  const files = readdirSync(join(ROOT, 'deploy'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml') && !name.includes('templates'))
    .map((name) => `deploy/${name}`);
  assert.ok(files.length > 10, files.join());
  for (const name of files)
    for (const document of parseAllDocuments(read(name))) assert.deepEqual(document.errors, [], name);
});

async function portsOf(text: string): Promise<number[]> {
  const { config } = await loadConfig({ text, name: 'gateway.yaml' }, { env: environment });
  return [...Object.values(config.listeners).map(({ port }) => port), config.admin.port];
}
