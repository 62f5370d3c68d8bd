import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { CHART, manifestsOf, missing, missingHelm, ROOT, template, validate } from '../helpers/helm.ts';
import { assertRoomForMemory } from '../helpers/kubernetes-memory.ts';
import { assertNames } from '../helpers/kubernetes-names.ts';

/*
 * What Kubernetes says of the manifests: of the chart, rendered by a real helm with its own values and with odd ones, and of
 * the Kustomize overlays, built by a real kustomize.
 */

const KUSTOMIZE = process.env.KUSTOMIZE_BIN ?? 'kustomize';
const LONG = 'a-release-with-the-longest-name-that-helm-itself-takes';
const ingress = (className: string) => ({
  ingress: { enabled: true, className, tls: [{ secretName: 'a', hosts: ['gateway.example.com'] }] },
  webClient: { enabled: true, ingress: { enabled: true, className } },
});

/** What YAML takes for something else where it is not quoted. */
const ENV = {
  NO: '007',
  Y: '1e3',
  EMPTY: '',
  QUOTES: `"'\\ \${NAME} {{ .Values }} # : - %`,
  LINES: 'a\n  b\r\n\tc',
  OTHER: 'é 🙂 \u0007\u200b\u2028',
  POD_NAME: 'mine',
};

/** Releases and values that are allowed and unusual. */
const ODD: readonly (readonly [string, object])[] = [
  [LONG.slice(0, 53), { webClient: { enabled: true } }],
  ['1st.release', {}],
  ['123', { serviceMonitor: { enabled: true } }],
  ['true', { nameOverride: 'no', fullnameOverride: 'null' }],
  ['0x10', { image: { tag: '1.10' } }],
  [
    'off',
    {
      replicas: 0,
      env: {},
      resources: {},
      onConfigChange: 'none',
      podDisruptionBudget: { enabled: false },
      topologySpread: { enabled: false },
      serviceAccount: { create: false },
      podSecurityContext: {},
      securityContext: {},
      shutdown: { timeoutSeconds: 1, jitterSeconds: 0, preStopSeconds: 0 },
    },
  ],
  [
    'on',
    {
      ...ingress('nginx'),
      imagePullSecrets: [{ name: 'registry' }],
      secretEnv: ['kafka', '123'],
      secretFiles: [
        { name: 'kafka.tls', mountPath: '/tls' },
        { name: 'kafka.tls', mountPath: '/other: #tls' },
      ],
      autoscaling: { enabled: true, connections: 100 },
      podDisruptionBudget: { maxUnavailable: '25%' },
      podLabels: { team: 'yes' },
      podAnnotations: { 'prometheus.io/scrape': 'false', number: '1e3' },
      nodeSelector: { generation: '7' },
      tolerations: [{ key: 'a', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
      serviceAccount: { annotations: { role: '0123' } },
      service: { type: 'LoadBalancer', annotations: { 'a/b': 'true' }, externalTrafficPolicy: 'Local' },
      httpRoute: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['a.example.com'] },
      networkPolicy: { enabled: true, clientsFrom: [{ ipBlock: { cidr: '10.0.0.0/8' } }], egressPorts: [] },
      serviceMonitor: { enabled: true, labels: { release: '1' } },
    },
  ],
  ['alb', ingress('alb')],
  ['traefik', ingress('traefik')],
  ['other', ingress('haproxy')],
  [
    'node-port',
    {
      service: { type: 'NodePort', nodePorts: { rooms: 30000 }, externalTrafficPolicy: 'Local' },
      webClient: { enabled: true, service: { type: 'NodePort', nodePort: 32767 } },
    },
  ],
  ['embedded', { replicas: 1, dataClaim: 'disk', config: { log: { driver: 'embedded' } } }],
  ['env', { env: ENV }],
];

suite('manifests of the chart', { skip: await missingHelm() }, () => {
  test('Kubernetes takes them, whatever the release is named and the values say', { timeout: 120_000 }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'values-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const odd = ODD.map(([release, values]) => {
      const file = join(folder, `${release}.json`);
      writeFileSync(file, json(values));
      return { release, file };
    });
    const own = ['values.yaml', 'values-dev.yaml', 'values-prod.yaml'].map((name) => ({
      release: 'tidegate',
      file: join(CHART, name),
    }));
    const texts: string[] = [];
    for (const { release, file } of [...own, ...odd]) {
      const text = await template(release, '-f', file);
      assertNames(manifestsOf(text), file);
      texts.push(text);
    }
    const report = await validate(texts);
    if (report === undefined) t.diagnostic('there is no kubernetes-validate; set PYTHON to one that has it');
    else assert.ok(report.split(' passed for resource ').length > 100, report);
  });

  test('a variable arrives as it was written', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'values-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'env.json'), json({ env: ENV }));
    const manifests = manifestsOf(await template('env', '-f', join(folder, 'env.json')));
    const { containers } = manifests.find(({ kind }) => kind === 'Deployment')?.spec.template.spec ?? {};
    const set = Object.fromEntries(
      containers[0].env.map((one: { name: string; value: string }) => [one.name, one.value]),
    );
    assert.deepEqual(set, { KAFKA_BROKERS: 'kafka:9092', ...ENV });
  });
});

suite('manifests of Kustomize', { skip: await missing(KUSTOMIZE, 'KUSTOMIZE_BIN', 'version') }, () => {
  const overlays = join(ROOT, 'deploy/kubernetes');
  const build = async (overlay: string) =>
    (await promisify(execFile)(KUSTOMIZE, ['build', resolve(overlays, overlay)])).stdout;

  test('Kubernetes takes every overlay', async (t) => {
    const texts: string[] = [];
    for (const overlay of ['base', 'dev', 'prod']) {
      const text = await build(overlay);
      assertNames(manifestsOf(text), overlay);
      texts.push(text);
    }
    const report = await validate(texts);
    if (report === undefined) t.diagnostic('there is no kubernetes-validate; set PYTHON to one that has it');
    else assert.ok(report.split(' passed for resource ').length > 15, report);
  });

  test('an overlay of one’s own names image and Secret, and has Prometheus find the admin Service', async (t) => {
    // Links in the path of the temporary folder would make its relative paths wrong.
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'overlay-')));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const to = (name: string) => relative(folder, join(realpathSync(overlays), name));
    const own = {
      resources: [to('prod')],
      components: [to('prometheus-operator')],
      namePrefix: 'a-',
      images: [{ name: 'tidegate', newName: 'registry.example.com/tidegate', newTag: '2.0.0' }],
    };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(own));
    const manifests = manifestsOf(await build(folder));
    const { containers } = manifests.find(({ kind }) => kind === 'Deployment')?.spec.template.spec ?? {};
    assert.equal(containers[0].image, 'registry.example.com/tidegate:2.0.0');
    assert.equal(containers[0].envFrom[0].secretRef.optional, true);
    const { selector, endpoints } = manifests.find(({ kind }) => kind === 'ServiceMonitor')?.spec ?? {};
    const services = manifests.filter(
      ({ kind, metadata: { labels = {} } }) =>
        kind === 'Service' && Object.entries(selector.matchLabels).every(([name, value]) => labels[name] === value),
    );
    assert.deepEqual(
      services.map(({ metadata, spec }) => [metadata.name, spec.ports[0].name]),
      [['a-tidegate-admin', endpoints[0].port]],
    );
  });

  test('the overlay of docs/deployment.md can be built, and says image, brokers and host', async (t) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'overlay-')));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const guide = readFileSync(join(ROOT, 'docs/deployment.md'), 'utf8');
    const [, block = ''] = /```text\n(# kustomization\.yaml\n[\s\S]*?)```/.exec(guide) ?? [];
    const here = relative(folder, realpathSync(ROOT));
    writeFileSync(join(folder, 'gateway.yaml'), 'log: {}\n');
    writeFileSync(join(folder, 'kustomization.yaml'), block.replaceAll('../tidegate/', `${here}/`));
    const manifests = manifestsOf(await build(folder));
    const [container] = manifests.find(({ kind }) => kind === 'Deployment')?.spec.template.spec.containers ?? [];
    assert.equal(container.image, 'registry.example.com/tidegate:0.1.0');
    const env = container.env.map(({ name, value }: { name: string; value?: string }) => [name, value]);
    assert.equal(Object.fromEntries(env).KAFKA_BROKERS, 'broker:9092');
    assert.ok(env.length > 2, 'the other variables are still there');
    const { rules, tls } = manifests.find(({ kind }) => kind === 'Ingress')?.spec ?? {};
    assert.deepEqual([rules[0].host, tls[0].hosts], ['ws.example.org', ['ws.example.org']]);
    assert.ok(manifests.some(({ kind }) => kind === 'ServiceMonitor'));
  });

  test('a container has room for what its gateway may hold', async () => {
    for (const overlay of ['base', 'dev', 'prod']) await assertRoomForMemory(manifestsOf(await build(overlay)));
  });

  test('what the overlays change has arrived', async () => {
    const of = (manifests: ReturnType<typeof manifestsOf>, kind: string) =>
      manifests.find((one) => one.kind === kind && !one.metadata.name.endsWith('-admin'))?.spec;
    const dev = manifestsOf(await build('dev'));
    assert.deepEqual([of(dev, 'Deployment').replicas, of(dev, 'Service').type], [1, 'NodePort']);
    assert.ok(!dev.some(({ kind }) => kind === 'PodDisruptionBudget'), 'one gateway has nothing to keep');
    const prod = manifestsOf(await build('prod'));
    assert.equal(of(prod, 'Deployment').replicas, undefined, 'the autoscaler decides');
    const [, brokers] = of(prod, 'Deployment').template.spec.containers[0].env;
    assert.match(brokers.value, /kafka-2\.kafka:9092/);
    const annotations = prod.find(({ kind }) => kind === 'Ingress')?.metadata.annotations ?? {};
    assert.equal(annotations['nginx.ingress.kubernetes.io/proxy-next-upstream'], 'error timeout http_503');
    // The name of the ConfigMap follows its content, and the pods follow the name.
    const map = prod.find(({ kind }) => kind === 'ConfigMap')?.metadata.name;
    assert.match(map ?? '', /^tidegate-\w{10}$/);
    assert.equal(of(prod, 'Deployment').template.spec.volumes[0].configMap.name, map);
  });
});

/** YAML as well; of its line breaks, JSON leaves one unescaped. */
function json(values: object): string {
  return JSON.stringify(values).replaceAll('\u2028', '\\u2028');
}
