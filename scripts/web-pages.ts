import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/* The pages of src/web are one file each, so that they work opened from disk: what they share is written into each. */

const FOLDER = 'src/web';
const STYLE = [
  '/* Shared by all pages: from shared.css, by `npm run generate`. */',
  '/* End of what is shared. */',
] as const;
const SCRIPT = ['// Shared by all pages: from shared.js, by `npm run generate`.', '// End of what is shared.'] as const;

/** The page with what is shared as it is now, and the hashes by which its policy allows its own style and script. */
export async function webPage(name: string): Promise<string> {
  const [html, style, module] = await Promise.all([read(`${name}.html`), read('shared.css'), read('shared.js')]);
  const page = replaced(replaced(html, STYLE, style), SCRIPT, module.replaceAll(/^export /gm, ''));
  return page
    .replace(/(?<=style-src ')[^']*/, hashOf(page, 'style'))
    .replace(/(?<=script-src ')[^']*/, hashOf(page, 'script'));
}

function read(name: string): Promise<string> {
  return readFile(`${FOLDER}/${name}`, 'utf8');
}

function replaced(page: string, [begin, end]: readonly [string, string], text: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`a page of ${FOLDER} lacks ${begin} or ${end}`);
  return `${page.slice(0, from)}${begin}\n${text}${page.slice(to)}`;
}

function hashOf(page: string, tag: 'script' | 'style'): string {
  const inner = new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 's').exec(page)?.[1] ?? '';
  return `sha256-${createHash('sha256').update(inner).digest('base64')}`;
}
