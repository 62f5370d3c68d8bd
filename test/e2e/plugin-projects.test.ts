import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { createProject } from '../helpers/packed-project.ts';
import { createPlugin, KINDS, passes, runs } from '../helpers/plugin-project.ts';

/** Types are looked at for each kind; what is run here is one in each language. All of them run in test/soak/plugin-projects. */
const LANGUAGES = { processor: 'ts', operator: 'js', source: 'js', sink: 'js', codec: 'js' } as const;

suite('a project that tidegate create plugin makes, with the packed tidegate', { concurrency: 2 }, () => {
  let folder = '';
  before(() => {
    folder = createProject(['typescript', 'undici-types']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const kind of ['processor', 'codec'] as const)
    test(`for a ${kind} in ${LANGUAGES[kind]} lints and passes its own tests at once`, async () => {
      await passes(await createPlugin(folder, kind, LANGUAGES[kind]));
    });

  test('in ts has the right types, whatever its kind', async () => {
    const kinds = KINDS.filter((kind) => LANGUAGES[kind] !== 'ts');
    const projects = await Promise.all(kinds.map((kind) => createPlugin(folder, kind, 'ts')));
    const [first = ''] = projects;
    const settings = {
      extends: join(first, 'tsconfig.json'),
      compilerOptions: { rootDir: folder, noEmit: true, incremental: false, tsBuildInfoFile: null },
      include: projects,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    await runs(folder, join(folder, 'node_modules/.bin/tsc'), '-p', '.');
  });
});
