/** The words that differ from project to project. */
export interface Words {
  readonly component: string;
  /** Name of the source file, without its extension. */
  readonly file: string;
  /** The module that a gateway loads, from the folder of the project. */
  readonly module: string;
  /** Text that only TypeScript has. */
  readonly typed: (text: string) => string;
}

/** What a project of one kind begins with. */
export interface Template {
  readonly source: (words: Words) => string;
  readonly test: (words: Words) => string;
  readonly gateway: (words: Words) => string;
  /** One sentence for the README. */
  readonly what: (component: string) => string;
  /** How it is used, as YAML. */
  readonly use: (component: string) => string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export const RXJS = { rxjs: '^7.8.0' };

/** A test by the laws of a kind. `options`: what they are called with behind the component. */
export function lawTest({ file }: Words, laws: string, options = ''): string {
  return `import { test } from 'node:test';
import { ${laws} } from 'tidegate/testing';
import component from '../src/${file}.js';

// What every component of its kind has to keep to, with inputs that are made up and shrunk where one fails.
for (const law of ${laws}(component${options})) test(law.title, law.check);
`;
}
