import { resolve } from 'node:path';
import { asTidegateError } from '../../core/errors.ts';
import { type Finding, failing } from '../problem/problem.ts';
import { readText } from './config-text.ts';
import { filesOf, type Inclusion, identityOf, inclusionsIn, isGlob } from './included-files.ts';
import { MergedSource } from './merged-source.ts';
import type { Source } from './yaml-source.ts';

/** More files than a configuration has. */
const MAX_FILES = 500;

/** A file with all that it includes. */
export interface SourceFiles {
  readonly source: Source;
  /** Absolute paths of included files, in the order in which they are read. */
  readonly included: readonly string[];
}

/**
 * Reads what a configuration includes, and what that includes, each file once. `read` makes a source of a text. Never throws: what
 * is not there is a finding.
 */
export async function readIncluded(
  first: Source,
  file: string,
  read: (text: string, file: string) => Source,
): Promise<SourceFiles> {
  if (inclusionsIn(first.value).length === 0) return { source: first, included: [] };
  const reading = new Reading(first, read);
  await reading.follow(first, [{ file, identity: await identityOf(file) }]);
  return { source: reading.merged.source, included: reading.included };
}

interface OpenFile {
  readonly file: string;
  readonly identity: string;
}

class Reading {
  readonly merged: MergedSource;
  readonly included: string[] = [];
  private readonly read: (text: string, file: string) => Source;
  private readonly known = new Set<string>();

  constructor(first: Source, read: (text: string, file: string) => Source) {
    this.merged = new MergedSource(first);
    this.read = read;
  }

  /** `open`: the files by which it came to this one, and itself. */
  async follow(source: Source, open: readonly OpenFile[]): Promise<void> {
    const fail = ({ path }: Inclusion, message: string, more?: Partial<Finding>) =>
      this.merged.fail(source.positions.pin(failing(path, message, more)));
    for (const inclusion of inclusionsIn(source.value)) {
      const { pattern } = inclusion;
      if (typeof pattern !== 'string' || pattern === '') {
        fail(inclusion, 'expected the path of a file, such as ./auth.yaml');
        continue;
      }
      try {
        for (const file of await filesOf(pattern, source.positions.text.folder)) await this.open(file, pattern, open);
      } catch (error) {
        const { code, message } = asTidegateError(error, 'TG_CONFIG_INVALID');
        fail(inclusion, message, { code });
      }
    }
  }

  private async open(file: string, pattern: string, open: readonly OpenFile[]): Promise<void> {
    const identity = await identityOf(file);
    const from = open.findIndex((one) => one.identity === identity);
    if (from >= 0) {
      if (isGlob(pattern)) return;
      const circle = [...open.slice(from).map((one) => one.file), file];
      throw new Error(`this is a circle: ${circle.join(' includes ')}`);
    }
    if (this.known.has(identity)) return;
    if (this.known.size === MAX_FILES) throw new Error(`more than ${MAX_FILES} files are included`);
    this.known.add(identity);
    this.included.push(resolve(file));
    const source = this.read(await readText(file), file);
    this.merged.add(source);
    await this.follow(source, [...open, { file, identity }]);
  }
}
