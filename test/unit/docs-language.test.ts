import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const COLUMNS = 120;
const TITLE_COLUMNS = 100;
const LINES_OF_A_PARAGRAPH = 5;

/** Phrases that readers trip over, each with what to write. A space in a phrase matches the end of a line as well. */
const PHRASES: readonly (readonly [phrase: RegExp, write: string])[] = [
  [/\b(?:deals?|dealing)\b(?! with)|\bdealt\b/i, 'assign, assigned, assignment'],
  [/\b(?:some|any|every|no)body\b|\bwhoever\b/i, 'the client, another gateway, the operator'],
  [
    /\bfor who\b|, who\b(?! )|\bwho (?:runs|comes|has|is|reads|writes|upgrades)\b/i,
    'a noun: clients that join late, if you run',
  ],
  [/\bstands?\b(?! for)|\bstood\b/i, 'is, be stored'],
  [/\bon (?:its|their|the) way\b/i, 'in flight, pending'],
  [/\bpass(?:ed|es)? over\b/i, 'skipped'],
  [/\bis no (?:duration|size|number|JSON|name|URL|configuration)\b|\bnone of ours\b/i, 'is not a ...'],
  [/\bmend(?:s|ed)?\b/i, 'fix'],
  [/\bonly a person\b/i, 'an operator'],
  [/\b(?:the|its|their|a) past\b/i, 'history, earlier messages'],
  [/\b(?:is|are|was|were) told\b|\btells? of\b/i, 'is logged, is reported, the client receives'],
  [/\bin vain\b/i, 'after failed attempts'],
  [/\bleft over\b/i, 'the remaining messages'],
];

/** Pages of the repository; docs/reference is generated from the source, whose language is checked below. */
const PAGES = ['docs', 'examples', 'observability', 'deploy']
  .flatMap((folder) => filesOf(folder, '.md'))
  .filter((name) => !name.startsWith('docs/reference/'))
  .concat(filesOf('.', '.md', false));

/** Pages about the five older programs, which all other pages leave out. */
const MAY_NAME_OLDER_PROGRAMS = ['docs/moving-over.md'];

suite('plain technical English in the pages', () => {
  for (const name of PAGES) {
    test(`${name} has none of the phrases that readers trip over`, () => {
      assert.deepEqual(phrasesIn(name, proseOf(textOf(name))), []);
    });

    if (!MAY_NAME_OLDER_PROGRAMS.includes(name))
      test(`${name} does not speak of S1 to S5`, () => {
        assert.deepEqual(found(name, proseOf(textOf(name)), /\bS[1-5]\b/), []);
      });

    // Entries of the changelog and of the decisions are history: their layout stays as it was written.
    if (!['CHANGELOG.md', 'docs/decisions.md'].includes(name))
      test(`${name} wraps at ${COLUMNS} columns and has no paragraph of more than ${LINES_OF_A_PARAGRAPH} lines`, () => {
        assert.deepEqual(layoutFaults(name, textOf(name)), []);
      });
  }

  test('the pages are read from their folders', () => {
    for (const name of ['README.md', 'docs/delivery.md', 'examples/README.md', 'deploy/proxies/alb.md'])
      assert.ok(PAGES.includes(name), name);
    assert.ok(PAGES.length > 25);
  });
});

/** Folders of the code; a new one is checked from its first file on. */
const FOLDERS = ['src', 'test', 'test/unit']
  .flatMap((parent) =>
    readdirSync(join(ROOT, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${parent}/${name}`),
  )
  .filter((folder) => folder !== 'test/unit');

/** Phrases that have to stay, each with its file and the reason. */
const KEPT: readonly (readonly [file: string, phrase: string, reason: string])[] = [
  ['src/config/schema/allow-schema.ts', 'everyone, nobody, or', 'the values of `allow.direct`'],
  ['src/connect/cluster/config-records.ts', 'dealt', 'a key of stored records, which older gateways read'],
  ['test/unit/connect/cluster/config-seal.test.ts', 'dealt', 'a key of stored records, which older gateways read'],
  ['src/web/rooms.html', 'Connect to see who is here.', 'a text that users of the page know'],
  ['test/fixtures/members.yaml', 'kick: nobody', 'a value of a setting'],
  ['test/e2e/rooms.test.ts', 'there is no client nobody', 'the name of a client'],
];

suite('plain technical English in the code', () => {
  for (const folder of FOLDERS) {
    const files = filesOf(folder, '').filter((name) => /\.(?:ts|m?js|html|css|ya?ml)$/.test(name));

    test(`${folder} has none of the phrases that readers trip over`, () => {
      assert.ok(files.length > 0, 'a folder without files');
      assert.deepEqual(files.flatMap(phrasesInCode), []);
    });

    if (folder.startsWith('test/'))
      test(`the titles of tests in ${folder} have at most ${TITLE_COLUMNS} characters`, () => {
        assert.deepEqual(files.flatMap(longTitlesIn), []);
      });
  }

  test('files beside the folders have none of the phrases and no long titles', () => {
    const files = [...filesOf('src', '.ts', false), ...filesOf('test/unit', '.ts', false)];
    // This file names the phrases.
    const others = files.filter((name) => name !== 'test/unit/docs-language.test.ts');
    assert.deepEqual(others.flatMap(phrasesInCode), []);
    assert.deepEqual(files.flatMap(longTitlesIn), []);
  });

  test('the phrases that have to stay are still there', () => {
    const gone = KEPT.filter(([file, phrase]) => !textOf(file).includes(phrase));
    assert.deepEqual(gone, []);
  });

  test('the folders are read from the repository', () => {
    for (const name of ['src/core', 'test/e2e', 'test/unit/core']) assert.ok(FOLDERS.includes(name), name);
    assert.ok(FOLDERS.length > 35);
  });
});

suite('the rules of the language', () => {
  test('the patterns find what they are for', () => {
    const bad = [
      ...['partitions are dealt', 'nobody knows', 'for who comes late', 'a batch may stand twice'],
      ...['what is on its way', 'a record is passed over', '5 is no duration', 'only a person can mend'],
      ...['the past of a room', 'the client is told', '3 tries were in vain', 'what is left over'],
      ...[
        'holds up nobody else',
        'a record is passed\n  over',
        '// what is on\n  // its way',
        '* the client is\n * told',
      ],
    ];
    assert.deepEqual(
      bad.filter((text) => phrasesIn('page', proseOf(text)).length === 0),
      [],
    );
    const good = [
      ...['errors stand for nothing', 'dealing with topics', 'assigned', 'a client that joins late', '`allow: nobody`'],
      'the record was passed\n\nover the limit',
    ];
    assert.deepEqual(
      good.flatMap((text) => phrasesIn('page', proseOf(text))),
      [],
    );
  });

  test('a phrase is reported with its file, its line and what to write', () => {
    assert.deepEqual(phrasesIn('page', 'a record\n\nand one that is passed\nover'), [
      'page:3: "passed over"; write: skipped',
    ]);
  });

  test('the titles of tests are found in all their forms', () => {
    const source = "test('one', () => {});\nawait t.test(\n  `two ${n}`,\n  fn);\nsuite(\"three's\", () => {});";
    assert.deepEqual(titlesOf(source), ['one', 'two ${n}', "three's"]);
    assert.deepEqual(phrasesIn('code', codeOf("const allow = 'nobody';\nthrow new Error('nobody came');")), [
      'code:2: "nobody"; write: the client, another gateway, the operator',
    ]);
  });

  test('a line that is too long and a paragraph with too many lines are reported', () => {
    const page = ['# Title', '', ...Array.from({ length: 6 }, () => 'words'), '', '- item', '- x'.padEnd(121, 'x')];
    assert.deepEqual(layoutFaults('page', page.join('\n')), [
      'page:3: a paragraph of 6 lines',
      'page:11: a line of 121 columns',
    ]);
    const table = `| ${'wide '.repeat(40)} |`;
    const code = ['```text', ...Array.from({ length: 9 }, () => 'long '.repeat(40)), '```'];
    assert.deepEqual(layoutFaults('page', [table, '', ...code].join('\n')), []);
  });
});

function filesOf(folder: string, ending: string, isDeep = true): string[] {
  return readdirSync(join(ROOT, folder), { recursive: isDeep, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`));
}

/** The text of a file; of the changelog the part that is not released yet. */
function textOf(name: string): string {
  const text = readFileSync(join(ROOT, name), 'utf8');
  return name === 'CHANGELOG.md' ? (text.split(/^## (?!Unreleased)/m)[0] ?? '') : text;
}

/** Code, quoted log lines, targets of links, files and the titles of tests are not prose of the page. */
function proseOf(page: string): string {
  return withoutCode(page).replaceAll(/`[^`\n]*`|"(?:[^"\n]|\n(?!\n))*"|\]\([^)]*\)|\[test\/[^\]]*/g, withoutWords);
}

/** The page with an empty line for each line of a fenced block. */
function withoutCode(page: string): string {
  return page.replaceAll(/^( *)```.*?^\1```/gms, withoutWords);
}

/** As many lines, all of them empty. */
function withoutWords(block: string): string {
  return '\n'.repeat(block.split('\n').length - 1);
}

function phrasesInCode(name: string): string[] {
  const kept = KEPT.filter(([file]) => file === name).map(([, phrase]) => phrase);
  const text = kept.reduce((code, phrase) => code.replaceAll(phrase, ''), codeOf(textOf(name)));
  return phrasesIn(name, text);
}

function longTitlesIn(name: string): string[] {
  const titles = name.endsWith('.test.ts') ? titlesOf(textOf(name)) : [];
  return titles.filter((title) => title.length > TITLE_COLUMNS).map((title) => `${name}: ${title}`);
}

/** Code without values that are a single word, such as the setting `allow: nobody`, and without names `who`. */
function codeOf(source: string): string {
  return source.replaceAll(/(['"`])\w+\1/g, '$1$1').replaceAll(/\bwho(?=[,\]):])/g, '');
}

/** The texts that tests, suites and sub-tests begin with. */
function titlesOf(source: string): string[] {
  return [
    ...source.matchAll(/\b(?:test|suite|describe|it)\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`)/g),
  ].map(([, single, double, template]) => single ?? double ?? template ?? '');
}

function phrasesIn(name: string, text: string): string[] {
  return PHRASES.flatMap(([phrase, write]) => found(name, text, phrase).map((place) => `${place}; write: ${write}`));
}

/** Each place where the text has the phrase, also where a line ends within it. */
function found(name: string, text: string, phrase: RegExp): string[] {
  const acrossLines = new RegExp(phrase.source.replaceAll(' ', String.raw`(?: |\n *(?:\/\/|\*)? *(?=\S))`), 'gi');
  return [...text.matchAll(acrossLines)].map(({ 0: words, index }) => {
    const line = text.slice(0, index).split('\n').length;
    return `${name}:${line}: "${words.replaceAll(/\n *(?:\/\/|\*)? */g, ' ')}"`;
  });
}

/** Lines that are too long, and paragraphs or list items with too many lines; tables, code and results of the bench are left out. */
function layoutFaults(name: string, page: string): string[] {
  const faults: string[] = [];
  let begin = 0;
  let lines = 0;
  const end = () => {
    if (lines > LINES_OF_A_PARAGRAPH) faults.push(`${name}:${begin}: a paragraph of ${lines} lines`);
    lines = 0;
  };
  const written = withoutCode(page).replace(/<!-- bench:begin -->.*<!-- bench:end -->/s, withoutWords);
  for (const [index, line] of written.split('\n').entries()) {
    if (line.trim() === '' || /^\s*\||^#/.test(line)) {
      end();
      continue;
    }
    if (line.length > COLUMNS) faults.push(`${name}:${index + 1}: a line of ${line.length} columns`);
    if (/^\s*(?:[-*]|\d+\.)\s/.test(line)) end();
    if (lines === 0) begin = index + 1;
    lines += 1;
  }
  end();
  return faults;
}
