import type { Handler } from './call.ts';

export interface Route {
  readonly method: string;
  /** Such as `/connectors/{connector}/tasks/{task}/status`; `{task}` matches an integer. */
  readonly path: string;
  readonly handle: Handler;
}

export interface Found {
  readonly handle: Handler;
  readonly params: Readonly<Record<string, string>>;
}

/** The handler of a call; the methods that there are where the path has others only; undefined for no such path. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): Found | { readonly allow: readonly string[] } | undefined {
  const allow: string[] = [];
  for (const route of routes) {
    const params = match(route.path, path);
    if (params === undefined) continue;
    if (route.method === method || (method === 'HEAD' && route.method === 'GET'))
      return { handle: route.handle, params };
    allow.push(route.method);
  }
  return allow.length === 0 ? undefined : { allow };
}

/** The pattern of a path, whatever the method; undefined for no such path. */
export function patternOf(routes: readonly Route[], path: string): string | undefined {
  return routes.find((route) => match(route.path, path) !== undefined)?.path;
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const parts = (path.length > 1 ? path.replace(/\/$/, '') : path).split('/');
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const given = parts[index] as string; // as many as wanted
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined ? part !== given : given === '') return undefined;
    if (name === undefined) continue;
    const value = decoded(given);
    if (value === undefined || (name === 'task' && !/^-?\d{1,9}$/.test(value))) return undefined;
    params[name] = value;
  }
  return params;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
