import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { builtinRegistry } from '../../config/builtins.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Kind } from '../../sdk/define.ts';
import { isReservedName } from '../../sdk/registry.ts';
import { VERSION } from '../../version.ts';
import { filesOf, type Project } from './project.ts';

export interface CreatePluginOptions {
  readonly kind: Kind;
  readonly js?: boolean;
  /** What npm installs as tidegate: a version, or a file. */
  readonly tidegate?: string;
}

const NAME = /^[a-z][a-z0-9_-]*$/;
const MAX_NAME = 100;
/** Names of packages that npm or Tidegate have a meaning for. */
const TAKEN: readonly string[] = ['node_modules', 'tidegate'];

/** Makes a project below the working directory, and prints what comes next. Rejects with TG_PLUGIN_INVALID. */
export async function createPlugin(name: string, { kind, js = false, tidegate }: CreatePluginOptions): Promise<number> {
  const mistake = mistakeIn(name, kind);
  if (mistake !== undefined) throw new TidegateError('TG_PLUGIN_INVALID', mistake);
  const folder = resolve(name);
  await checkFolder(folder, name);
  const project: Project = {
    name,
    component: componentOf(name),
    kind,
    isTyped: !js,
    tidegate: tidegate === undefined ? `^${VERSION}` : packageFrom(folder, tidegate),
  };
  const files = filesOf(project);
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  console.log(`${name}: a ${kind} in ${Object.keys(files).length} files; begin with ${sourceOf(project)}\n`);
  console.log(nextCommands(name, tidegate !== undefined));
  return 0;
}

/** The name that the YAML has. */
function componentOf(name: string): string {
  return name.replaceAll('-', '_');
}

function sourceOf({ name, isTyped }: Project): string {
  return `${name}/src/${name}.${isTyped ? 'ts' : 'js'}`;
}

function mistakeIn(name: string, kind: Kind): string | undefined {
  if (!NAME.test(name) || name.length > MAX_NAME)
    return `"${name}" is not a name for a plugin; use at most ${MAX_NAME} lower case letters, digits, - and _, and begin with a letter`;
  if (TAKEN.includes(name)) return `"${name}" is the name of something else; choose another one`;
  const component = componentOf(name);
  if (isReservedName(component)) return `"${name}" is a word of the configuration; choose another name`;
  // An operator is found as a processor, too: they are in one list of the YAML.
  const other = builtinRegistry().find(kind, component);
  if (other === undefined) return undefined;
  return `tidegate has ${other.kind === 'operator' ? 'an' : 'a'} ${other.kind} "${component}" already; choose another name`;
}

async function checkFolder(folder: string, name: string): Promise<void> {
  let content: string[];
  try {
    content = await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    const why = code === 'ENOTDIR' ? 'it is a file' : (error as Error).message;
    throw new TidegateError('TG_PLUGIN_INVALID', `${name} cannot be written to: ${why}; choose another name`, error);
  }
  if (content.length > 0)
    throw new TidegateError('TG_PLUGIN_INVALID', `the folder ${name} is not empty; choose another name, or empty it`);
}

/** A file that is named from here, as the project names it. */
function packageFrom(folder: string, given: string): string {
  const isFile = given.endsWith('.tgz') || given.startsWith('.') || isAbsolute(given);
  return isFile ? `file:${relative(folder, resolve(given))}` : given;
}

function nextCommands(name: string, isGiven: boolean): string {
  const hint = isGiven ? '' : '   # or: npm install --save-dev FILE, with the file that npm pack of tidegate made';
  return [`  cd ${name}`, `  npm install${hint}`, '  npm test'].join('\n');
}
