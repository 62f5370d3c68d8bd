import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

/** The strictest that a program of today is likely to have. */
const STRICT = {
  target: 'es2023',
  lib: ['es2023'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  declaration: true,
  skipLibCheck: false,
};

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

/** A project that has the package as npm would install it, without a registry. `tools`: more packages that it uses. */
export function createProject(tools: readonly string[] = []): string {
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

/** Compiles programs as files of the project. */
export function compile(
  folder: string,
  programs: Readonly<Record<string, string>>,
  ...options: string[]
): { status: number | null; output: string } {
  for (const [name, source] of Object.entries(programs)) writeFileSync(join(folder, name), source);
  const settings = { compilerOptions: STRICT, files: Object.keys(programs) };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder, ...options], { encoding: 'utf8' });
  return { status, output: stdout };
}

/** A program of test/fixtures/package. */
export const source = (name: string) => readFileSync(join(ROOT, `test/fixtures/package/${name}.ts.txt`), 'utf8');
