import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

/* Manifests from real tools: HELM_BIN and KUSTOMIZE_BIN, or those on the PATH; kubernetes-validate is beside PYTHON. */

export const ROOT = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url),
);
export const CHART = join(ROOT, 'deploy/helm/tidegate');
const HELM = process.env.HELM_BIN ?? 'helm';
const KUBERNETES = '1.33.0';
const run = promisify(execFile);

export interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: each kind has a form of its own, which kubernetes-validate checks.
  readonly spec?: any;
}

/** Why tests with a program have to be skipped; false where it is there. */
export async function missing(program: string, variable: string, ...args: string[]): Promise<string | false> {
  return run(program, args).then(
    () => false as const,
    () => `there is no ${program}; set ${variable}`,
  );
}

export const missingHelm = () => missing(HELM, 'HELM_BIN', 'version', '--short');

export async function helm(...args: string[]): Promise<string> {
  return (await run(HELM, args, { maxBuffer: 100_000_000 })).stdout;
}

/** What `helm install RELEASE` would create. */
export async function template(release: string, ...options: string[]): Promise<string> {
  return helm('template', release, CHART, '--kube-version', KUBERNETES, ...options);
}

/** What `helm install` prints; only with a cluster would it print that by itself. */
export async function notes(...options: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'));
  try {
    const chart = join(folder, 'tidegate');
    cpSync(CHART, chart, { recursive: true });
    const include = 'notes: {{ include (print $.Template.BasePath "/NOTES.txt") . | quote }}';
    writeFileSync(join(chart, 'templates/notes.yaml'), include);
    const only = ['--show-only', 'templates/notes.yaml', '--kube-version', KUBERNETES];
    const text = await helm('template', 'notes', chart, ...only, ...options);
    return (parse(text) as { notes: string }).notes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
    return document.contents === null ? [] : [document.toJS() as Manifest];
  });
}

/** By the schemas of Kubernetes; undefined without kubernetes-validate. One process for all texts, as it is slow to start. */
export async function validate(texts: readonly string[]): Promise<string | undefined> {
  const { PYTHON } = process.env;
  const tool = PYTHON === undefined ? undefined : join(dirname(PYTHON), 'kubernetes-validate');
  if (tool === undefined || (await missing(tool, 'PYTHON', '--help')) !== false) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  try {
    const files = texts.map((text, index) => {
      const file = join(folder, `${index}.yaml`);
      writeFileSync(file, text);
      return file;
    });
    const options = ['--strict', '--no-warn', '-k', KUBERNETES];
    return (await run(tool, [...options, ...files], { maxBuffer: 100_000_000 })).stdout;
  } catch (error) {
    const { message, stdout } = error as Error & { stdout?: string };
    throw new Error(`${message}\n${stdout}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
