import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { createProject } from '../helpers/packed-project.ts';
import { createPlugin, KINDS, passes, runs } from '../helpers/plugin-project.ts';

/** Types are looked at for each kind; what is run here is one. All of them run, in both languages, in test/soak/plugin-projects. */
const RUN = 'processor';

suite('a project that tidegate create plugin makes, with the packed tidegate', { concurrency: 2 }, () => {
  let folder = '';
  before(() => {
    folder = createProject(['typescript', 'undici-types']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test(`for a ${RUN} lints and passes its own tests at once`, async () => {
    await passes(await createPlugin(folder, RUN, 'ts'));
  });

  test('in ts has the right types, whatever its kind', async () => {
    const kinds = KINDS.filter((kind) => kind !== RUN);
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
