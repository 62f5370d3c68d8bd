import type { Kind } from '../../sdk/define.ts';
import { VERSION } from '../../version.ts';
import { codecTemplate } from './templates/codec.ts';
import { operatorTemplate } from './templates/operator.ts';
import { processorTemplate } from './templates/processor.ts';
import { sinkTemplate } from './templates/sink.ts';
import { sourceTemplate } from './templates/source.ts';
import type { Template } from './templates/template.ts';

/** What is asked for. */
export interface Project {
  /** Of folder and package. */
  readonly name: string;
  /** As the YAML has it. */
  readonly component: string;
  readonly kind: Kind;
  /** TypeScript. */
  readonly isTyped: boolean;
  /** What npm installs as tidegate for the tests. */
  readonly tidegate: string;
}

const TEMPLATES: Readonly<Record<Kind, Template>> = {
  processor: processorTemplate,
  operator: operatorTemplate,
  source: sourceTemplate,
  sink: sinkTemplate,
  codec: codecTemplate,
};

/** The minor version that the plugin is written for: what a 0.x breaks, it breaks with that. */
const RANGE = `^${VERSION.split('.').slice(0, 2).join('.')}.0`;

/** The files of a project, by their paths. */
export function filesOf(project: Project): Record<string, string> {
  const { name, component, kind, isTyped } = project;
  const template = TEMPLATES[kind];
  const words = {
    component,
    file: name,
    module: isTyped ? `./dist/src/${name}.js` : `./src/${name}.js`,
    typed: (text: string) => (isTyped ? text : ''),
  };
  const extension = isTyped ? 'ts' : 'js';
  return {
    'package.json': json(manifestOf(project, template)),
    ...(isTyped ? { 'tsconfig.json': json(TSCONFIG) } : {}),
    [`src/${name}.${extension}`]: template.source(words),
    [`test/${name}.test.${extension}`]: template.test(words),
    'gateway.yaml': template.gateway(words),
    'README.md': readme(project, template),
    '.gitignore': 'node_modules\ndist\ndata\n',
  };
}

function manifestOf({ name, kind, isTyped, tidegate }: Project, { dependencies }: Template): object {
  const main = isTyped ? `./dist/src/${name}.js` : `./src/${name}.js`;
  const types = isTyped ? { types: `./dist/src/${name}.d.ts` } : {};
  return {
    name,
    version: '0.1.0',
    description: `A ${kind} for Tidegate`,
    type: 'module',
    exports: { '.': { ...types, default: main } },
    files: isTyped ? ['dist/src'] : ['src'],
    scripts: isTyped
      ? {
          build: 'tsc',
          test: 'npm run --silent build && node --test dist/test/*.test.js && tidegate test gateway.yaml',
          lint: 'npm run --silent build && tidegate lint --strict gateway.yaml',
          prepack: 'npm run --silent build',
        }
      : {
          build: `node --check src/${name}.js`,
          test: 'node --test test/*.test.js && tidegate test gateway.yaml',
          lint: 'npm run --silent build && tidegate lint --strict gateway.yaml',
        },
    ...(dependencies === undefined ? {} : { dependencies }),
    peerDependencies: { tidegate: RANGE },
    devDependencies: {
      ...(isTyped ? { '@types/node': '^20.19.0' } : {}),
      tidegate,
      ...(isTyped ? { typescript: '^5.9.0 || ^6.0.0' } : {}),
    },
    engines: { node: '>=20.19' },
  };
}

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    declaration: true,
    rootDir: '.',
    outDir: 'dist',
    incremental: true,
    tsBuildInfoFile: 'dist/.tsbuildinfo',
  },
  include: ['src', 'test'],
};

function readme({ name, component, kind, isTyped }: Project, { what, use }: Template): string {
  return `# ${name}

${what(component)}

\`\`\`yaml
plugins: [ ${name} ]
${use(component)}
\`\`\`

Settings and examples are in [\`src/${name}.${isTyped ? 'ts' : 'js'}\`](src/${name}.${isTyped ? 'ts' : 'js'}).
[\`gateway.yaml\`](gateway.yaml) is a gateway with this ${kind} and with tests of it.

## Work on it

\`\`\`sh
npm install
npm test        # the laws of a ${kind}, and the tests of gateway.yaml
npm run lint    # the configuration, with the schema of the ${kind}
npx tidegate run gateway.yaml
\`\`\`
`;
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
