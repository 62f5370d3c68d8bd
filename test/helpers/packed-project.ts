import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * A folder that has the package as npm would install it, without a registry: what `npm pack` makes of this build, with links
 * to the packages that are installed here. `tools`: more packages that projects in it use.
 */
export function packedProject(tools: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-package-'));
  // What was built for these tests is packed; the script `prepack` would build it again.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed.toString()) as [{ filename: string }];
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'tidegate'), { recursive: true });
  execFileSync('tar', ['xzf', filename, '-C', join(modules, 'tidegate'), '--strip-components=1'], { cwd: folder });
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  for (const name of [...Object.keys(dependencies), '@types/node', ...tools]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  // npm puts the folders .bin of all folders above into the path of scripts.
  mkdirSync(join(modules, '.bin'));
  symlinkSync('../tidegate/bin/tidegate', join(modules, '.bin/tidegate'));
  if (tools.includes('typescript')) symlinkSync('../typescript/bin/tsc', join(modules, '.bin/tsc'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  return folder;
}
