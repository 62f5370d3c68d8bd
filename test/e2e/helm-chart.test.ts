import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/config/index.ts';
import { CHART, helm, type Manifest, manifestsOf, missingHelm, notes, ROOT, template } from '../helpers/helm.ts';
import { assertRoomForMemory } from '../helpers/kubernetes-memory.ts';

/* The chart, rendered by a real helm; test/e2e/manifests.test.ts has what Kubernetes says of it. */

suite('the Helm chart', { skip: await missingHelm() }, () => {
  for (const file of [undefined, 'values-dev.yaml', 'values-prod.yaml'])
    test(`${file ?? 'values.yaml'}: helm finds no fault, and the gateway's file is one that runs`, async () => {
      const files = file === undefined ? [] : ['-f', join(CHART, file)];
      await helm('lint', '--strict', CHART, ...files);
      const manifests = await render(...files);
      const text = find(manifests, 'ConfigMap', 't-tidegate').data?.['gateway.yaml'] ?? '';
      const { config } = await loadConfig({ text, name: 'gateway.yaml' }, { env: { KAFKA_BROKERS: 'kafka:9092' } });
      const { spec } = find(manifests, 'Deployment', 't-tidegate').spec.template;
      const [, preStop] = /\(\) => \{\}, (\d+)\)/.exec(spec.containers[0].lifecycle.preStop.exec.command[2]) ?? [];
      assert.ok(Number(preStop) > config.shutdown.jitter, 'preStop is longer than the jitter');
      assert.equal(spec.terminationGracePeriodSeconds * 1_000, Number(preStop) + config.shutdown.timeout + 5_000);
      await assertRoomForMemory(manifests);
      const bound = [...Object.values(config.listeners).map(({ port }) => port), config.admin.port];
      assert.deepEqual(
        spec.containers[0].ports.map(({ containerPort }: { containerPort: number }) => containerPort),
        bound,
      );
    });

  test('a change of the gateway’s file replaces the pods, unless that is switched off', async () => {
    const sum = async (...set: string[]) =>
      find(await render(...set), 'Deployment', 't-tidegate').spec.template.metadata.annotations['checksum/config'];
    assert.notEqual(await sum(), await sum('--set', 'config.tracing.exporter=otlp'));
    assert.equal(await sum('--set', 'onConfigChange=none'), undefined);
  });

  test('an autoscaler decides how many there are, by connections and CPU', async () => {
    const manifests = await render('-f', join(CHART, 'values-prod.yaml'));
    assert.equal(find(manifests, 'Deployment', 't-tidegate').spec.replicas, undefined);
    const { metrics } = find(manifests, 'HorizontalPodAutoscaler', 't-tidegate').spec;
    assert.deepEqual(
      metrics.map(({ type }: { type: string }) => type),
      ['Resource', 'Pods'],
    );
  });

  for (const [className, annotation, value] of [
    ['nginx', 'nginx.ingress.kubernetes.io/proxy-read-timeout', '3600'],
    ['alb', 'alb.ingress.kubernetes.io/load-balancer-attributes', 'idle_timeout.timeout_seconds=3600'],
    // Traefik has no time limit for what was upgraded.
    ['traefik', 'traefik.ingress.kubernetes.io/router.entrypoints', 'web'],
  ] as const)
    test(`an Ingress of ${className} keeps long sockets open`, async () => {
      const set = ['--set', 'ingress.enabled=true', '--set', `ingress.className=${className}`];
      const { metadata } = find(await render(...set), 'Ingress', 't-tidegate');
      assert.equal(metadata.annotations?.[annotation], value);
    });

  test('nginx tries a handshake that one gateway answers with 503 at another one, for the web client as well', async () => {
    const manifests = await render('-f', join(CHART, 'values-prod.yaml'));
    for (const name of ['t-tidegate', 't-tidegate-web-client']) {
      const { annotations } = find(manifests, 'Ingress', name).metadata;
      assert.equal(annotations?.['nginx.ingress.kubernetes.io/proxy-next-upstream'], 'error timeout http_503');
    }
  });

  test('an Ingress of alb has the settings that deploy/proxies/alb.md names', async () => {
    const set = 'ingress.enabled=true,ingress.className=alb';
    const { annotations = {} } = find(await render('--set', set), 'Ingress', 't-tidegate').metadata;
    const of = (name: string) => annotations[`alb.ingress.kubernetes.io/${name}`];
    assert.deepEqual([of('target-type'), of('healthcheck-path')], ['ip', '/ready']);
    assert.deepEqual([of('healthcheck-interval-seconds'), of('unhealthy-threshold-count')], ['5', '2']);
    // The time of preStop and that of the stop, and what least connections is called there.
    assert.equal(
      of('target-group-attributes'),
      'deregistration_delay.timeout_seconds=33,load_balancing.algorithm.type=least_outstanding_requests',
    );
  });

  test('a certificate that names no hosts is for the host of its Ingress', async () => {
    const prod = ['-f', join(CHART, 'values-prod.yaml'), '--set', 'ingress.host=a.example.org'];
    const { spec } = find(await render(...prod), 'Ingress', 't-tidegate');
    assert.deepEqual(spec.tls, [{ secretName: 'gateway-tls', hosts: ['a.example.org'] }]);
    const wildcard = ['--set-json', 'ingress.tls=[{"secretName":"all","hosts":["*.example.org"]}]'];
    const { tls } = find(await render(...prod, ...wildcard), 'Ingress', 't-tidegate').spec;
    assert.deepEqual(tls, [{ secretName: 'all', hosts: ['*.example.org'] }]);
  });

  test('the values with secrets in docs/deployment.md are a gateway with all of them', async (t) => {
    const page = readFileSync(join(ROOT, 'docs/deployment.md'), 'utf8');
    const values = /```text\n(# values of the chart\n[\s\S]*?)```/.exec(page)?.[1] ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'values-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'values.yaml'), values);
    const manifests = await render('-f', join(folder, 'values.yaml'));
    const { containers, volumes } = find(manifests, 'Deployment', 't-tidegate').spec.template.spec;
    assert.deepEqual(containers[0].envFrom, [{ secretRef: { name: 'gateway-secrets' } }]);
    assert.equal(containers[0].readinessProbe.httpGet.scheme, 'HTTPS');
    const secrets = volumes.filter(({ secret }: { secret?: object }) => secret !== undefined);
    // Helm and Kubernetes read 0440 by YAML 1.1, as an octal number; the parser here does not.
    assert.deepEqual(
      secrets.map(({ secret }: { secret: object }) => secret),
      ['gateway-tls', 'operator-tokens'].map((secretName) => ({ secretName, defaultMode: 440 })),
    );
  });

  test('pods that are replaced all at once have no settings of a rolling update', async () => {
    const { spec } = find(await render('--set', 'updateStrategy.type=Recreate'), 'Deployment', 't-tidegate');
    assert.deepEqual(spec.strategy, { type: 'Recreate' });
  });

  test('the disruption budget lets one gateway go at a time, and never keeps one that is not ready', async () => {
    const { spec } = find(await render(), 'PodDisruptionBudget', 't-tidegate');
    assert.deepEqual([spec.maxUnavailable, spec.unhealthyPodEvictionPolicy], [1, 'AlwaysAllow']);
    const pods = find(await render(), 'Deployment', 't-tidegate').spec.template.metadata.labels;
    for (const [name, value] of Object.entries(spec.selector.matchLabels)) assert.equal(pods[name], value);
  });

  test('probes ask the admin port: a log that is away restarts no pod, and takes it out of the Service', async () => {
    const [{ startupProbe, livenessProbe, readinessProbe }] = find(await render(), 'Deployment', 't-tidegate').spec
      .template.spec.containers;
    const asked = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => [httpGet.path, httpGet.port]);
    assert.deepEqual(asked, [
      ['/health', 'admin'],
      ['/health', 'admin'],
      ['/ready', 'admin'],
    ]);
  });

  test('an admin port with TLS is asked by HTTPS, by probes and by Prometheus', async () => {
    const tls = 'config.admin.tls.cert=/tls/tls.crt,config.admin.tls.key=/tls/tls.key';
    const monitor = 'serviceMonitor.enabled=true,serviceMonitor.tlsConfig.serverName=gateway.test';
    const manifests = await render('--set', `${tls},${monitor}`);
    const [{ startupProbe, livenessProbe, readinessProbe }] = find(manifests, 'Deployment', 't-tidegate').spec.template
      .spec.containers;
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) assert.equal(httpGet.scheme, 'HTTPS');
    const [{ scheme, tlsConfig }] = find(manifests, 'ServiceMonitor', 't-tidegate').spec.endpoints;
    assert.deepEqual([scheme, tlsConfig], ['https', { serverName: 'gateway.test' }]);
  });

  test('an Ingress of another class has the settings of its controller; annotations of one’s own win', async () => {
    const set = ['--set', 'ingress.enabled=true,ingress.className=public,ingress.controller=nginx'];
    const annotation = 'nginx.ingress.kubernetes.io/proxy-read-timeout';
    const own = ['--set-string', `ingress.annotations.${annotation.replaceAll('.', '\\.')}=60`];
    assert.equal(find(await render(...set), 'Ingress', 't-tidegate').metadata.annotations?.[annotation], '3600');
    const { metadata, spec } = find(await render(...set, ...own), 'Ingress', 't-tidegate');
    assert.deepEqual([metadata.annotations?.[annotation], spec.ingressClassName], ['60', 'public']);
  });

  test('labels and annotations of one’s own win, but never against what a Deployment selects by', async () => {
    const labels = ['podLabels.team=a', 'podLabels.app\\.kubernetes\\.io/name=other'];
    const annotations = ['podAnnotations.prometheus\\.io/scrape=false'];
    const { spec } = find(
      await render(...[...labels, ...annotations].flatMap((one) => ['--set-string', one])),
      'Deployment',
      't-tidegate',
    );
    assert.equal(spec.template.metadata.labels.team, 'a');
    assert.equal(spec.template.metadata.labels['app.kubernetes.io/name'], 'tidegate');
    assert.equal(spec.template.metadata.annotations['prometheus.io/scrape'], 'false');
    assert.equal(spec.template.metadata.annotations['prometheus.io/port'], '8080');
  });

  test('a file of one’s own takes the place of the whole configuration', async (t) => {
    const file = temporary(t, 'gateway.yaml', 'listeners: { only: { port: 8088 } }\nlog: { driver: embedded }\n');
    const set = ['--set-file', `configFile=${file}`, '--set', 'replicas=1,dataClaim=disk'];
    const manifests = await render(...set);
    const text = find(manifests, 'ConfigMap', 't-tidegate').data?.['gateway.yaml'] ?? '';
    assert.doesNotMatch(text, /rooms/);
    assert.match(text, /shutdown:\n {2}jitter: 5s\n {2}timeout: 25s/);
    const { strategy, template: pod } = find(manifests, 'Deployment', 't-tidegate').spec;
    // A second pod would wait for the disk of the first for ever.
    assert.deepEqual(strategy, { type: 'Recreate' });
    assert.deepEqual(pod.spec.volumes[2], { name: 'data', persistentVolumeClaim: { claimName: 'disk' } });
  });

  test('a network policy with clients lets the pods of the release in, and without egress ports only DNS out', async () => {
    const set = ['networkPolicy.enabled=true', 'networkPolicy.clientsFrom[0].podSelector.matchLabels.a=b'];
    const { spec } = find(
      await render(...set.flatMap((one) => ['--set', one]), '--set-json', 'networkPolicy.egressPorts=[]'),
      'NetworkPolicy',
      't-tidegate',
    );
    assert.deepEqual(spec.ingress[0].from[1].podSelector.matchLabels, { 'app.kubernetes.io/instance': 't' });
    assert.deepEqual(
      spec.egress.map(({ ports }: { ports: { port: number }[] | null }) => ports?.map(({ port }) => port)),
      [[53, 53]],
    );
  });

  test('Prometheus finds every pod by the admin Service, also one that is not ready', async () => {
    const manifests = await render('--set', 'serviceMonitor.enabled=true');
    const { selector, endpoints } = find(manifests, 'ServiceMonitor', 't-tidegate').spec;
    const found = manifests.filter(
      ({ kind, metadata: { labels = {} } }) =>
        kind === 'Service' && Object.entries(selector.matchLabels).every(([name, value]) => labels[name] === value),
    );
    const pod = find(manifests, 'Deployment', 't-tidegate').spec.template;
    assert.deepEqual(
      found.map(({ metadata }) => metadata.name),
      ['t-tidegate-admin'],
    );
    const [{ spec }] = found as [Manifest];
    assert.equal(spec.publishNotReadyAddresses, true);
    assert.deepEqual([endpoints[0].port, endpoints[0].path], [spec.ports[0].name, '/metrics']);
    for (const { kind, spec: service } of manifests.filter((one) => one.kind === 'Service')) {
      const named = pod.spec.containers[0].ports.map(({ name }: { name: string }) => name);
      for (const { targetPort } of service.ports) assert.ok(named.includes(targetPort), `${kind} ${targetPort}`);
      for (const [name, value] of Object.entries(service.selector)) assert.equal(pod.metadata.labels[name], value);
    }
  });

  test('the alert rules come with the ServiceMonitor, for the name that its targets have', async () => {
    const rules = find(
      await render('--set', 'serviceMonitor.enabled=true,nameOverride=gate'),
      'PrometheusRule',
      't-gate',
    ).spec;
    const alerts = rules.groups.flatMap((group: { rules: { alert?: string; expr: string }[] }) => group.rules);
    assert.equal(alerts.find(({ alert }: { alert?: string }) => alert === 'TidegateDown').expr, 'up{job="gate"} == 0');
    const none = await render('--set', 'serviceMonitor.enabled=true,serviceMonitor.alerts=false');
    assert.ok(!none.some(({ kind }) => kind === 'PrometheusRule'));
  });

  test('a route of the Gateway API has no time limit for a request', async () => {
    const set = 'httpRoute.enabled=true,httpRoute.parentRefs[0].name=public,httpRoute.hostnames={a.example.com}';
    const { spec } = find(await render('--set', set), 'HTTPRoute', 't-tidegate');
    assert.deepEqual(spec.rules[0].timeouts, { request: '0s' });
    assert.deepEqual(spec.rules[0].backendRefs, [{ name: 't-tidegate', port: 8088 }]);
    assert.deepEqual([spec.parentRefs, spec.hostnames], [[{ name: 'public' }], ['a.example.com']]);
  });

  test('helm test asks every port of the gateway, and the web client', async () => {
    const { spec, metadata } = find(await render('--set', 'webClient.enabled=true'), 'Pod', 't-tidegate-test-ready');
    assert.equal(metadata.annotations?.['helm.sh/hook'], 'test');
    assert.deepEqual(spec.containers[0].args.slice(1), [
      'http://t-tidegate:8088/ready',
      'http://t-tidegate-web-client/',
    ]);
  });

  for (const [file, words] of [
    ['values.yaml', ['port-forward service/notes-tidegate 8088', 'helm test notes']],
    ['values-dev.yaml', ['Clients connect to a port of each node', 'get service notes-tidegate-web-client']],
    ['values-prod.yaml', ['wss://gateway.example.com/', 'https://rooms.example.com/', 'pods/*/tidegate_connections']],
  ] as const)
    test(`the notes of ${file} say how to connect`, async () => {
      const text = await notes('-f', join(CHART, file));
      for (const word of words) assert.ok(text.includes(word), `${word} is not in ${text}`);
      assert.doesNotMatch(text, /WARNING: the log/);
    });

  test('the notes say where clients of a load balancer and of a Gateway connect', async () => {
    assert.match(
      await notes('--set', 'service.type=LoadBalancer'),
      /the EXTERNAL-IP of:\n +kubectl get service notes-tide/,
    );
    const route = 'httpRoute.enabled=true,httpRoute.parentRefs[0].name=public,httpRoute.hostnames={a.example.com}';
    assert.match(await notes('--set', route), /connect to a\.example\.com\/ at the Gateway public;/);
    assert.match(await notes('--set', 'webClient.enabled=true'), /http:\/\/localhost:8000\//);
  });

  test('the notes warn where the log is lost with the pod', async () => {
    const set = ['--set', 'config.log.driver=embedded,replicas=1'];
    assert.match(await notes(...set), /WARNING: the log is embedded/);
  });

  test('the web client is a deployment of its own, whose proxy leads to the gateway’s Service', async () => {
    const manifests = await render('--set', 'webClient.enabled=true');
    const { data } = find(manifests, 'ConfigMap', 't-tidegate-web-client');
    assert.match(data?.['nginx.conf'] ?? '', /proxy_pass http:\/\/t-tidegate:8088\/;/);
    assert.match(data?.['index.html'] ?? '', /<!doctype html>/i);
    find(manifests, 'Service', 't-tidegate');
    assert.equal(find(manifests, 'Deployment', 't-tidegate-web-client').spec.replicas, 1);
  });

  test('NodePort, as services without a load balancer are reached', async () => {
    const { spec } = find(await render('-f', join(CHART, 'values-dev.yaml')), 'Service', 't-tidegate');
    assert.deepEqual([spec.type, spec.ports[0].nodePort], ['NodePort', 30_088]);
  });

  for (const [what, set, message] of [
    ['a replica count that is a word', ['replicas=many'], /replicas.*(integer|string).*(integer|string)/],
    ['a setting that there is not', ['replica=3'], /dditional propert\S+ '?replica'? (is )?not allowed/],
    ['a kind of Service that there is not', ['service.type=Public'], /service.type.* one of/],
    ['a node port that nodes do not have', ['service.nodePorts.rooms=80'], /nodePorts.rooms.*30,?000/],
    ['a variable that is a number', ['env.PORT=1'], /env.PORT.*string/],
    ['a name that a Service cannot have', ['fullnameOverride=1st.gate'], /fullnameOverride.* match/],
    [
      'a port that there is not',
      ['ingress.enabled=true', 'ingress.port=web'],
      /there is no port "web" in ports; there are: rooms/,
    ],
    ['another admin port than the gateway’s', ['adminPort=9000'], /adminPort is 9000 and config.admin.port is 8080/],
    ['a jitter beyond the timeout', ['shutdown.jitterSeconds=30'], /shutdown.jitterSeconds must be less/],
    ['a preStop within the jitter', ['shutdown.preStopSeconds=5'], /preStopSeconds must be more than/],
    ['a port without a listener', ['ports[0].name=a,ports[0].port=7000'], /no listener of config has the port 7000/],
    [
      'a port that is the admin port',
      ['ports[0].name=x,ports[0].port=8080'],
      /x \(8080\) is there twice, or is the admin/,
    ],
    ['an embedded log for several gateways', ['config.log.driver=embedded'], /a log of its own: set replicas to 1/],
    ['one disk for several gateways', ['dataClaim=disk'], /a disk belongs to one gateway/],
    ['a part that is taken away as a whole', ['service=null'], /service is required/],
    ['a section that is a word', ['config.log=kafkajs'], /config\.log: expected settings by name/],
    [
      'a listener that is a number',
      ['config.listeners.rooms=8088'],
      /config\.listeners\.rooms: expected settings such as/,
    ],
    ['a port that is a word', ['config.listeners.rooms.port=abc'], /rooms\.port: expected a number.* not "abc"/],
    [
      'a listener on loopback',
      ['config.listeners.rooms.host=127.0.0.1'],
      /rooms\.host is 127.* cannot be reached from outside of the pod/,
    ],
    ['an admin port that is off', ['config.admin.enabled=false'], /config\.admin\.enabled is false, and probes ask/],
    [
      'an admin port on loopback',
      ['config.admin.host=localhost'],
      /config\.admin\.host is localhost, which cannot be reached/,
    ],
    ['a node port for no port', ['service.nodePorts.web=30001'], /nodePorts: there is no port "web" in ports/],
    ['a tag in the name of the image', ['image.repository=a:1/b:2'], /a:1\/b:2: its tag belongs into image\.tag/],
    ['an address for a host', ['ingress.host=wss://a.example.com'], /ingress\.host.* match/],
    [
      'a certificate for another host',
      ['ingress.enabled=true', 'ingress.host=b.org', 'ingress.tls[0].secretName=a', 'ingress.tls[0].hosts={a.org}'],
      /an Ingress for b\.org has certificates for a\.org only/,
    ],
    [
      'a folder in which there is something',
      ['secretFiles[0].name=a', 'secretFiles[0].mountPath=/etc/tidegate/'],
      /something is mounted at \/etc\/tidegate\/ already/,
    ],
    ['a budget that allows no disruption', ['podDisruptionBudget.maxUnavailable=0%'], /maxUnavailable.* match/],
    [
      'an autoscaler by a share of nothing',
      ['autoscaling.enabled=true', 'resources.requests.cpu=null'],
      /cpuPercent is a share of resources\.requests\.cpu, and there is none/,
    ],
    ['a file that is not YAML', ['configFile=a: b: c'], /configFile is not YAML/],
    [
      'more gateways at least than at most',
      ['autoscaling.enabled=true', 'autoscaling.minReplicas=20'],
      /minReplicas is more than autoscaling.maxReplicas/,
    ],
    ['shutdown in two places', ['config.shutdown.timeout=5s'], /config.shutdown: set shutdown.timeoutSeconds/],
    ['a route without a gateway', ['httpRoute.enabled=true'], /httpRoute.parentRefs/],
    [
      'an autoscaler by nothing',
      ['autoscaling.enabled=true', 'autoscaling.cpuPercent=0'],
      /set cpuPercent, connections/,
    ],
  ] as const)
    test(`${what} is refused with the reason`, async () => {
      await assert.rejects(render(...set.flatMap((one) => ['--set', one])), (error: Error) => {
        assert.match(error.message, message);
        return true;
      });
    });
});

async function render(...options: string[]): Promise<Manifest[]> {
  return manifestsOf(await template('t', ...options));
}

function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one?.kind === kind && one.metadata.name === name);
  assert.ok(found !== undefined, `${kind} ${name} is missing`);
  return found;
}

function temporary(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
