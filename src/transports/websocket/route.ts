/** A path with parameters, such as `/chat/{username}`. */
export interface Route {
  readonly path: string;
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly literal?: string;
  readonly parameter?: string;
}

const PARAMETER = /^\{([A-Za-z_]\w*)\}$/;

/** Throws an Error that says what is wrong with the path. */
export function parseRoute(path: string): Route {
  if (!path.startsWith('/')) throw new Error(`"${path}" must begin with /`);
  const segments = split(path).map((segment): Segment => {
    const parameter = PARAMETER.exec(segment)?.[1];
    if (parameter !== undefined) return { parameter };
    if (/[{}]/.test(segment))
      throw new Error(`"${segment}" in "${path}": a parameter fills a whole segment, such as /chat/{username}`);
    return { literal: segment };
  });
  return { path, segments };
}

/** The route's parameters, percent-decoded, or undefined where the path is another. Throws URIError for broken encoding. */
export function matchRoute(route: Route, pathname: string): Record<string, string> | undefined {
  const given = split(pathname);
  if (given.length !== route.segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of route.segments.entries()) {
    const text = decodeURIComponent(given[index] as string);
    if (segment.parameter !== undefined) params[segment.parameter] = text;
    else if (segment.literal !== text) return undefined;
  }
  return params;
}

/** A trailing slash makes no other path. */
function split(path: string): string[] {
  return path.replace(/\/$/, '').split('/').slice(1);
}
