import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
/** What a page quotes is in the source in pieces: between them there is what differs from case to case. */
const GAP = /\.\.\.|\b[A-Z]{5,}(?:\/[A-Z]{5,})*\b/;
/** An expression of PromQL may have quotes, too. */
const INLINE_CODE = /`[^`]*`/g;
const TEST_TITLE = /\]\(\.\.\/test\/[^)]+\): "[^"]+"/g;

const page = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
const runbooks = readFileSync(join(ROOT, 'docs/runbooks.md'), 'utf8');
const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  // Texts that are broken into several lines.
  .map((text) => text.replaceAll(/['`]\s*\+\s*['`]/g, ''))
  .join('\n');

for (const [name, text] of Object.entries({ 'troubleshooting guide': page, runbooks }))
  test(`every line of the log that the ${name} quotes is written by Tidegate`, () => {
    const prose = joined(text.replaceAll(/^```.*?^```/gms, ''))
      .replaceAll(TEST_TITLE, '')
      .replaceAll(INLINE_CODE, '');
    const quotes = [...prose.matchAll(/"([^"\n]+)"/g)].map(([, quote = '']) => quote);
    const unknown = quotes.filter((quote) => !pieces(quote).every((piece) => source.includes(piece)));
    assert.ok(quotes.length > 20);
    assert.deepEqual(unknown, []);
  });

test('every setting, variable and metric of Node.js that the troubleshooting guide names is there', () => {
  const reference = ['config', 'components', 'metrics']
    .map((name) => readFileSync(join(ROOT, 'docs/reference', `${name}.md`), 'utf8'))
    .join('\n');
  const named = [...page.matchAll(/`((?:process|nodejs)_[a-z_]+_[a-z0-9_]+|[a-z_]+\.[a-z_.]+[a-z])`/g)];
  const unknown = named.map(([, name = '']) => name).filter((name) => !reference.includes(name) && !isElsewhere(name));
  assert.ok(named.length > 15);
  assert.deepEqual(unknown, []);
});

test('every answer of a refused handshake that the troubleshooting guide explains is one of the gateway', () => {
  const [, rows = ''] = /## Handshakes get 503.*?\n(\|.*?)\n\n/s.exec(page) ?? [];
  const codes = [...rows.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code = '']) => code);
  assert.ok(codes.length >= 5);
  for (const code of codes) assert.ok(source.includes(`'${code}'`), code);
});

/** The lines of each paragraph as one, since a quote may end on the next line. */
function joined(text: string): string {
  return text.replaceAll(/(?<!\n)\n *(?!\n)/g, ' ');
}

function pieces(quote: string): string[] {
  return quote
    .split(GAP)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '');
}

/** Settings of Kafka, and of files that are no configuration of ours. */
function isElsewhere(name: string): boolean {
  return [
    'advertised.listeners',
    'min.insync.replicas',
    'message.timestamp.after.max.ms',
    'websocket.reconnect.enabled',
  ].includes(name);
}
