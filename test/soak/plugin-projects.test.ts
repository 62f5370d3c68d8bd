import { rmSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { createProject } from '../helpers/packed-project.ts';
import { createPlugin, KINDS, passes, runs } from '../helpers/plugin-project.ts';

suite('a project that tidegate create plugin makes, with the packed tidegate', { concurrency: 2 }, () => {
  let folder = '';
  before(() => {
    folder = createProject(['typescript', 'undici-types']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const kind of KINDS)
    for (const language of ['ts', 'js'] as const)
      test(`for a ${kind} in ${language} builds, lints and passes its own tests at once`, async () => {
        const project = await createPlugin(folder, kind, language);
        await runs(project, 'npm', 'run', 'build');
        await passes(project);
      });
});
