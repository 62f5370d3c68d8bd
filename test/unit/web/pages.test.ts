import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { webPage } from '../../../scripts/web-pages.ts';

const PAGES = { rooms: read('rooms'), chat: read('chat'), channels: read('channels') };
/** WCAG 2.2, 1.4.3 and 1.4.11: text, and what shows where a control or its focus is. */
const TEXT_CONTRAST = 4.5;
const SHAPE_CONTRAST = 3;

for (const [name, html] of Object.entries(PAGES)) {
  describe(`the page ${name}`, () => {
    test('allows its own script and style by their hashes, sockets, and nothing else', () => {
      const expected = [
        "default-src 'none'",
        `script-src '${hash(inner(html, 'script'))}'`,
        `style-src '${hash(inner(html, 'style'))}'`,
        'connect-src ws: wss:',
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
      ].join('; ');
      const stated = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)?.[1];
      assert.equal(stated, expected);
    });

    test('states its policy before anything that the policy governs', () => {
      const policy = html.indexOf('http-equiv="Content-Security-Policy"');
      for (const part of ['<style>', '<script', '<link']) assert.ok(policy < html.indexOf(part), part);
    });

    test('is one file: it loads nothing, and has no attribute that holds a script or a style', () => {
      const markup = withoutCode(html);
      assert.doesNotMatch(markup, /\s(?:on[a-z]+|style|srcdoc|src|action)=/i);
      assert.deepEqual([...markup.matchAll(/href="(?!data:)[^"]*"/g)], []);
      assert.doesNotMatch(inner(html, 'style'), /@import|url\(/);
    });

    test('never makes markup of text', () => {
      assert.doesNotMatch(
        inner(html, 'script'),
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|\beval\b|new Function/,
      );
    });

    test('names every control and every place for people who do not see it', () => {
      const markup = withoutCode(html);
      for (const [, id] of markup.matchAll(/<input id="([^"]+)"/g)) assert.match(markup, new RegExp(`for="${id}"`));
      for (const [, ids] of markup.matchAll(/aria-(?:labelledby|describedby|controls)="([^"]+)"/g)) {
        for (const id of ids?.split(' ') ?? []) assert.match(markup, new RegExp(` id="${id}"`), id);
      }
      assert.match(markup, /id="status" role="status" aria-live="polite" data-state="disconnected"/);
      assert.match(markup, /id="log"[^>]* role="log"/);
      assert.match(markup, /id="toasts"[^>]* aria-live="polite"/);
    });

    for (const [scheme, colours] of Object.entries(schemes(inner(html, 'style')))) {
      test(`can be read in ${scheme} colours`, () => {
        for (const back of ['surface', 'raised', 'page', 'tint']) {
          for (const fore of ['text', 'muted', 'accent']) atLeast(TEXT_CONTRAST, colours, fore, back);
        }
        for (const mood of ['good', 'wait', 'bad']) atLeast(TEXT_CONTRAST, colours, mood, `${mood}-tint`);
        atLeast(TEXT_CONTRAST, colours, 'bad', 'surface');
        atLeast(TEXT_CONTRAST, colours, 'on-accent', 'accent');
        atLeast(TEXT_CONTRAST, colours, 'on-bad', 'bad');
        for (const back of ['surface', 'page']) atLeast(SHAPE_CONTRAST, colours, 'edge', back);
      });
    }
  });
}

test('the pages have what they share as it is in its own files', async () => {
  for (const [name, html] of Object.entries(PAGES)) assert.equal(html, await webPage(name), 'run `npm run generate`');
});

// Helpers

function read(name: string): string {
  return readFileSync(`src/web/${name}.html`, 'utf8');
}

function inner(html: string, tag: 'script' | 'style'): string {
  const found = [...html.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 'gs'))];
  assert.equal(found.length, 1, `one <${tag}>`);
  return found[0]?.[1] ?? '';
}

function withoutCode(html: string): string {
  return html.replace(/(<(script|style)[^>]*>).*?(<\/\2>)/gs, '$1$3');
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

type Colours = ReadonlyMap<string, string>;

/** The custom properties of the two `:root` rules: first light, then dark. */
function schemes(css: string): { light: Colours; dark: Colours } {
  const [light, dark] = [...css.matchAll(/:root \{(.*?)\}/gs)].map(
    ([, rule]) =>
      new Map([...(rule ?? '').matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, key, hex]) => [key, hex])),
  ) as Colours[];
  assert.ok(light !== undefined && dark !== undefined);
  assert.deepEqual([...dark.keys()], [...light.keys()]);
  return { light, dark };
}

function atLeast(least: number, colours: Colours, fore: string, back: string): void {
  const [a, b] = [luminance(colours.get(fore)), luminance(colours.get(back))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  assert.ok(contrast >= least, `${fore} on ${back} has a contrast of ${contrast.toFixed(2)}, not ${least}`);
}

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string | undefined): number {
  assert.ok(hex !== undefined);
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
