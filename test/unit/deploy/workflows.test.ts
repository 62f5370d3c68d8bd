import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));
const FOLDER = join(ROOT, '.github/workflows');
const ACTIONLINT = process.env.ACTIONLINT_BIN ?? 'actionlint';
const files = readdirSync(FOLDER);
const workflow = (name: string) => parse(readFileSync(join(FOLDER, name), 'utf8')) as Workflow;

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly needs?: string;
  readonly uses?: string;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
  readonly services?: Readonly<Record<string, { readonly image: string }>>;
  readonly steps?: readonly {
    readonly run?: string;
    readonly uses?: string;
    readonly with?: Record<string, unknown>;
  }[];
}

test('actionlint finds no fault in the workflows', async (t) => {
  const run = promisify(execFile);
  const found = await run(ACTIONLINT, ['-version']).catch(() => undefined);
  if (found === undefined) return t.skip('there is no actionlint; set ACTIONLINT_BIN');
  // Whether a machine has shellcheck as well must not decide about a test.
  const paths = files.map((name) => join(FOLDER, name));
  await run(ACTIONLINT, ['-shellcheck=', '-pyflakes=', ...paths]).catch((error: { stdout: string }) =>
    assert.fail(error.stdout),
  );
});

test('changes are tested on each Node that the package claims, with the Kafka of docker-compose.yml', () => {
  const { jobs } = workflow('ci.yml');
  assert.deepEqual(jobs.test?.strategy?.matrix.node, [20, 22, 24]);
  assert.deepEqual(jobs.kafka?.strategy?.matrix.node, [20, 22, 24]);
  const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as Pick<Required<Job>, 'services'>;
  assert.equal(jobs.kafka?.services?.kafka?.image, services.kafka?.image);
});

test('nothing is released untested; package and image have their provenance and lists of contents', () => {
  const { jobs, permissions } = workflow('release.yml');
  assert.deepEqual(permissions, { contents: 'read' });
  assert.equal(jobs.test?.uses, './.github/workflows/ci.yml');
  assert.deepEqual([jobs.npm?.needs, jobs.image?.needs, jobs.chart?.needs], ['test', 'npm', 'image']);
  const commands = (jobs.npm?.steps ?? []).map(({ run = '' }) => run).join('\n');
  assert.match(commands, /npm pkg set .*repository\.url=[\s\S]*npm publish --provenance/);
  assert.match(commands, /npm sbom --omit=dev --package-lock-only --sbom-format=cyclonedx/);
  const build = jobs.image?.steps?.find(({ uses }) => uses?.startsWith('docker/build-push-action@'))?.with;
  assert.deepEqual([build?.provenance, build?.sbom], ['mode=max', true]);
});

test('the chart that is released leads to the image that is released, whatever letters the owner has', async (t) => {
  const steps = workflow('release.yml').jobs.chart?.steps ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'release-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(ROOT, 'deploy/helm'), join(folder, 'deploy/helm'), { recursive: true });
  // A helm that packs nothing: what is tried is the step around it.
  writeFileSync(join(folder, 'helm'), '#!/bin/sh\n[ "$1" != show ] || cat deploy/helm/tidegate/values.yaml\n', {
    mode: 0o755,
  });
  const env = {
    GITHUB_REPOSITORY: 'Some-Owner/Tidegate',
    GITHUB_REF_NAME: 'v1.2.3',
    PATH: `${folder}:${process.env.PATH}`,
  };
  const packed = steps.find(({ run }) => run?.includes('helm package'))?.run ?? '';
  await promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', packed], { cwd: folder, env });
  const values = parse(readFileSync(join(folder, 'deploy/helm/tidegate/values.yaml'), 'utf8'));
  assert.equal(values.image.repository, 'ghcr.io/some-owner/tidegate');
  assert.match(steps.at(-1)?.run ?? '', /oci:\/\/ghcr\.io\/\$\{GITHUB_REPOSITORY_OWNER,,\}\//);
});

test('a version before a version is published as such', () => {
  const commands = (workflow('release.yml').jobs.npm?.steps ?? []).map(({ run = '' }) => run).join('\n');
  assert.match(commands, /\*-\*\) tag=next ;;[\s\S]*npm publish .*--tag "\$tag"/);
  assert.match(commands, /gh release create .*--prerelease=/);
});

test('package, chart, image and manifests are of one version', () => {
  const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const chart = parse(read('deploy/helm/tidegate/Chart.yaml'));
  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
  const { images } = parse(read('deploy/kubernetes/base/kustomization.yaml'));
  assert.deepEqual(images, [{ name: 'tidegate', newTag: version }]);
  assert.match(read('Dockerfile'), new RegExp(`^ARG VERSION=${version.replaceAll('.', '\\.')}$`, 'm'));
});

test('files that steps name are there', () => {
  const texts = files.map((name) => readFileSync(join(FOLDER, name), 'utf8')).join('\n');
  const named = [...texts.matchAll(/\b(?:deploy|test|\.ci)\/[\w./-]+/g)].map(([name]) => name);
  assert.ok(named.length > 3);
  for (const name of named) assert.ok(existsSync(join(ROOT, name)), name);
});
