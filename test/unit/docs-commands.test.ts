import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { type Ran, ROOT, runTidegate } from '../helpers/command-line.ts';

/** A command of a page, as the shell would split it, without `tidegate` itself. */
interface Shown {
  readonly name: string;
  readonly line: number;
  readonly words: readonly string[];
}

const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'examples/README.md'],
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') }));

const SHOWN = PAGES.flatMap(({ name, text }) => commandsIn(name, text));

/** They read files and print; the others serve, write, or need what a reader has. */
const HARMLESS = new Set(['lint', 'list', 'show', 'create', 'config', 'graph', 'completion', 'test']);

/** With these words a command of those writes a file or a folder, or goes on until it is stopped. */
const NOT_ONLY = new Set(['-o', '--junit', '--watch', 'plugin']);

test('the pages show commands of every kind', () => {
  const shown = new Set(SHOWN.map(({ words }) => words[0] ?? ''));
  for (const command of createProgram().commands) assert.ok(shown.has(command.name()), command.name());
});

suite('the commands of the pages', () => {
  for (const { name, line, words } of SHOWN)
    test(`${name}:${line} has a command and options that there are: ${words.join(' ').slice(0, 50)}`, async () => {
      assert.equal(await parsedCommand(words), true);
    });
});

suite('the commands of the pages that only print', { concurrency: 2 }, () => {
  const harmless = SHOWN.filter(
    ({ words }) => HARMLESS.has(words[0] ?? '') && !words.some((word) => NOT_ONLY.has(word)),
  );
  const unique = new Map(harmless.map((shown) => [shown.words.join('\0'), shown]));
  for (const { name, line, words } of unique.values())
    test(`${name}:${line} ends with 0: ${words.join(' ').slice(0, 60)}`, async () => {
      const { status, stderr } = await ran(words);
      assert.equal(status, 0, stderr);
    });

  test('a password is hashed', async () => {
    assert.ok(SHOWN.some(({ words }) => words.join(' ') === 'token hash'));
    assert.match((await runTidegate(['token', 'hash'], { input: 'correct horse battery' })).stdout, /^\$scrypt\$/);
  });
});

suite('docs/cli.md shows what is printed', () => {
  const text = PAGES.find(({ name }) => name === 'docs/cli.md')?.text ?? '';
  const blocks = [...text.matchAll(/^```sh\n(tidegate [^\n]*)\n```\n\n```(?:text|yaml|mermaid)\n(.*?)^```/gms)];
  test('of each command with an output', () => assert.ok(blocks.length >= 7));
  for (const [, command = '', output = ''] of blocks)
    test(command, async () => {
      const { stdout } = await ran(wordsOf(command).slice(1));
      const printed = stdout.trimEnd().split('\n');
      let at = 0;
      for (const part of output.trimEnd().split(/^…\n?/m)) {
        if (part === '') continue;
        const lines = part.trimEnd().split('\n');
        const start = printed.indexOf(lines[0] ?? '', at);
        assert.notEqual(start, -1, `${lines[0]}\n${stdout}`);
        assert.deepEqual(printed.slice(start, start + lines.length), lines);
        at = start + lines.length;
      }
      if (!output.includes('…')) assert.equal(at, printed.length);
    });
});

/** A file that a reader has is the default configuration here. */
function ran(words: readonly string[]): Promise<Ran> {
  const isFile = (word: string) => /\.(?:yaml|yml)$/.test(word);
  const given = words.map((word) =>
    isFile(word) && !word.includes('*') && !existsSync(join(ROOT, word)) ? 'config/gateway.yaml' : word,
  );
  return runTidegate(given.flatMap((word) => (word === 'config/*.yaml' ? ['config/gateway.yaml'] : [word])));
}

/** Whether the command line takes these words; nothing is run. */
async function parsedCommand(words: readonly string[]): Promise<boolean> {
  let isRun = false;
  const stub = (command: Command): void => {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0 || command.registeredArguments.length > 0)
      command.action(() => {
        isRun = true;
      });
    command.commands.forEach(stub);
  };
  const program = createProgram();
  stub(program);
  await program.parseAsync([...words], { from: 'user' });
  return isRun;
}

function commandsIn(name: string, text: string): Shown[] {
  return [...text.matchAll(/^( *)```sh\n(.*?)^\1```/gms)].flatMap(({ index, 2: code = '' }) => {
    const first = text.slice(0, index).split('\n').length + 1;
    const joined = code.replaceAll('\\\n', '  ');
    return joined.split('\n').flatMap((row, at) =>
      partsOf(row).flatMap((part) => {
        const words = argumentsOf(wordsOf(part));
        return words === undefined ? [] : [{ name, line: first + at, words }];
      }),
    );
  });
}

/** Commands of a line: those in pipes, lists and substitutions, without comments and redirections. */
function partsOf(row: string): string[] {
  const quoted: string[] = [];
  const plain = row.replaceAll(/'[^']*'/g, (text) => `\uE000${quoted.push(text) - 1}\uE000`).replace(/(^|\s)#.*/, '');
  return plain
    .split(/\$\(|[()|;&`"]+/)
    .map((part) => part.replaceAll(/\s[12]?>{1,2}\s?\S+|\s<\s?\S+/g, ''))
    .map((part) => part.replaceAll(/\uE000(\d+)\uE000/g, (_, at) => quoted[Number(at)] ?? ''));
}

function wordsOf(part: string): string[] {
  const plain = part.replace(/\s>\s\S+$/, '');
  return [...plain.matchAll(/'([^']*)'|(\S+)/g)]
    .map(([, quoted, word = '']) => quoted ?? word)
    .map((word) => word.replaceAll("'", ''));
}

/** The words behind `tidegate`, where that is what is called. */
function argumentsOf(words: readonly string[]): string[] | undefined {
  const at = words.findIndex((word) => /(?:^|\/)bin\/tidegate$|^tidegate$|(?:^|\/)tidegate-[\d.]+\.tgz$/.test(word));
  if (at === -1) return undefined;
  const isCalled = words.slice(0, at).every((word) => /^[A-Z_]+=|^(?:npx|node|exec|time|source)$/.test(word));
  if (!isCalled && basename(words[at] ?? '') !== 'tidegate') return undefined;
  if (!isCalled && !words[at]?.includes('bin/')) return undefined;
  return words.slice(at + 1);
}
