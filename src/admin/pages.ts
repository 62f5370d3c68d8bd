import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { PageName } from '../sdk/define.ts';
import type { RequestHandler } from './health.ts';
import { pathOf, refuseMethod } from './respond.ts';

/** A page of src/web is one file, which also works opened from disk. */
interface Page {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string | number>>;
}

/**
 * GET of a path serves its page, which is read once; a path whose slash at the end is missing leads there. Throws where
 * the installation lacks a page.
 */
export function createPageHandler(pages: ReadonlyMap<string, PageName>): RequestHandler {
  const served = new Map([...pages].map(([path, name]) => [path, readPage(name)]));
  return (request, response) => {
    const path = pathOf(request);
    const page = served.get(path);
    const isShort = page === undefined && served.has(`${path}/`);
    if (page === undefined && !isShort) return false;
    if (refuseMethod(request, response)) return true;
    if (page === undefined) redirect(response, path, request.url);
    else response.writeHead(200, page.headers).end(page.body);
    return true;
  };
}

function readPage(name: PageName): Page {
  const body = readFileSync(new URL(`src/web/${name}.html`, findRoot(new URL('.', import.meta.url))));
  return {
    body,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-length': body.byteLength,
      'content-security-policy': `${policyOf(body.toString(), name)}; frame-ancestors 'none'`,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
  };
}

// The pages are not compiled: from dist/src as from src they lie in src/web beside package.json.
function findRoot(folder: URL): URL {
  if (existsSync(new URL('package.json', folder))) return folder;
  const above = new URL('..', folder);
  if (above.href === folder.href) throw new Error('there is no package.json above the program of Tidegate');
  return findRoot(above);
}

/** The policy is in the page, for users who open it from disk; frame-ancestors only works as a header. */
function policyOf(html: string, name: PageName): string {
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(html)?.[1];
  if (policy === undefined) throw new Error(`src/web/${name}.html has no Content-Security-Policy`);
  return policy;
}

/** Relative, so that it also holds behind a proxy that serves the gateway under a path of its own. */
function redirect(response: ServerResponse, path: string, url = path): void {
  const location = `${path.slice(path.lastIndexOf('/') + 1)}/${url.slice(path.length)}`;
  response.writeHead(308, { location, 'cache-control': 'no-cache', 'content-length': 0 }).end();
}
