import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  assignments,
  execForm,
  type Instruction,
  lastOf,
  readDockerfile,
  type Stage,
} from '../../../scripts/image/dockerfile.ts';

/* What a build of the image would stumble over; `npm run image:replay` replays the build itself. */

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const stages = readDockerfile(read('Dockerfile'));
const image = stages.at(-1) as Stage;
const packageJson = JSON.parse(read('package.json')) as { version: string; license: string; files: string[] };

const copies = stages.flatMap(({ instructions }) => instructions.filter(({ name }) => name === 'COPY'));
const sources = ({ text }: Instruction) => text.split(' ').slice(0, -1);
const fromContext = copies.filter(({ flags }) => flags.from === undefined).flatMap(sources);

test('what the Dockerfile copies is there, and .dockerignore sends it to the builder', () => {
  const [everything, ...exceptions] = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(everything, '*');
  const sent = exceptions.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  assert.ok(fromContext.length > 8);
  for (const source of fromContext) {
    assert.ok(existsSync(join(ROOT, source)), source);
    assert.ok(
      sent.some((name) => source === name || source.startsWith(`${name}/`)),
      `${source} is not sent`,
    );
  }
  for (const name of sent)
    assert.ok(
      fromContext.some((source) => source.startsWith(name)),
      `${name} is sent without need`,
    );
});

test('a copy from another stage has that stage before it, and a path that the stage makes', () => {
  const known = new Map<string, Stage>();
  for (const stage of stages) {
    for (const copy of stage.instructions.filter(({ flags }) => flags.from !== undefined)) {
      const from = known.get(copy.flags.from ?? '');
      assert.ok(from !== undefined, copy.text);
      const made = from.instructions.map(({ text }) => text).join('\n');
      for (const source of sources(copy)) {
        const name = source.replace(/^\/build\//, '');
        const byNpm = name === 'node_modules' ? 'npm ci' : name === 'dist' ? 'npm run build' : name;
        assert.ok(made.includes(byNpm), source);
      }
    }
    known.set(stage.name, stage);
  }
});

test('the image has all that the package has for running a gateway', () => {
  const targets = image.instructions.filter(({ name }) => name === 'COPY').flatMap(sources);
  const inImage = (file: string) => targets.some((source) => file.startsWith(source.replace(/^\/build\//, '')));
  const unneeded = ['deploy', 'observability', 'docs', 'README.md', 'CHANGELOG.md'];
  for (const file of packageJson.files.filter((name) => !name.startsWith('!') && !unneeded.includes(name)))
    assert.ok(inImage(file), file);
  assert.ok(inImage('node_modules') && inImage('sbom.cdx.json'), 'packages, and their list');
});

test('the image starts the command of the package with a configuration that the package has', () => {
  const [node, command, verb] = execForm(lastOf(image, 'ENTRYPOINT') ?? '');
  assert.deepEqual([node, verb], ['node', 'run']);
  const files = [command, ...execForm(lastOf(image, 'CMD') ?? '')].map((file = '') => file.replace(/^\/app\//, ''));
  assert.deepEqual(files, ['bin/tidegate', 'config/gateway.yaml']);
  for (const file of files) {
    assert.ok(existsSync(join(ROOT, file)), file);
    assert.ok(
      packageJson.files.some((name) => file.startsWith(`${name}/`)),
      file,
    );
  }
});

test('the image runs without a shell, as a user without privileges, and is stopped by SIGTERM', () => {
  assert.match(image.base, /^gcr\.io\/distroless\/nodejs24-debian12:nonroot$/);
  assert.ok(!image.instructions.some(({ name }) => name === 'RUN'), 'there is no shell for a RUN');
  assert.equal(lastOf(image, 'USER'), '65532:65532');
  assert.equal(lastOf(image, 'STOPSIGNAL'), 'SIGTERM');
  assert.equal(lastOf(image, 'VOLUME'), '/data');
  for (const { base } of stages) assert.match(base, /24-bookworm-slim$|nodejs24-debian12/, 'one Node, one Debian');
});

test('the health check is a program without a shell, which asks the admin port of the configuration', async () => {
  const { text = '', flags } = image.instructions.find(({ name }) => name === 'HEALTHCHECK') ?? {};
  const [node, flag, script = ''] = execForm(/CMD (\[.*)$/.exec(text)?.[1] ?? '');
  assert.deepEqual([node, flag], ['node', '-e']);
  assert.deepEqual(flags, { interval: '10s', timeout: '3s', 'start-period': '10s' });
  const port = /port: "\$\{ADMIN_PORT:(\d+)\}"/.exec(read('config/gateway.yaml'))?.[1];
  assert.ok(script.includes(`process.env.ADMIN_PORT || ${port}}/health`), script);
  assert.ok(
    lastOf(image, 'EXPOSE')
      ?.split(' ')
      .includes(port ?? ''),
  );
});

test('labels and variables of the image', () => {
  const labels = assignments(lastOf(image, 'LABEL') ?? '');
  assert.deepEqual(
    Object.keys(labels).map((name) => name.replace('org.opencontainers.image.', '')),
    ['title', 'description', 'licenses', 'base.name', 'version'],
  );
  assert.equal(labels['org.opencontainers.image.licenses'], packageJson.license);
  assert.equal(labels['org.opencontainers.image.base.name'], image.base);
  assert.equal(labels['org.opencontainers.image.version'], '${VERSION}');
  assert.equal(assignments(lastOf(image, 'ARG') ?? '').VERSION, packageJson.version);
  const env = assignments(lastOf(image, 'ENV') ?? '');
  // Acked records on the disk of a container are never intended.
  assert.deepEqual([env.KAFKA_DRIVER, env.NODE_ENV, env.DATA_DIR], ['kafkajs', 'production', '/data']);
});

test('a Dockerfile is read as Docker reads it', () => {
  const [first, second] = readDockerfile(
    [
      '# a comment',
      'FROM --platform=$X a:1 AS one',
      'RUN a && \\',
      '  # within',
      '  b',
      'FROM b',
      'COPY --from=one --chown=1:2 /a b ./',
    ].join('\n'),
  );
  assert.deepEqual(first, {
    base: 'a:1',
    name: 'one',
    instructions: [{ name: 'RUN', flags: {}, text: 'a && b' }],
  });
  assert.deepEqual([second?.base, second?.name], ['b', '1']);
  assert.deepEqual(second?.instructions, [{ name: 'COPY', flags: { from: 'one', chown: '1:2' }, text: '/a b ./' }]);
  assert.deepEqual(assignments('A=1 B="two \\"words\\"" C='), { A: '1', B: 'two "words"', C: '' });
  assert.throws(() => execForm('node run'), SyntaxError);
  assert.throws(() => readDockerfile('RUN a'), /before the first FROM/);
});
