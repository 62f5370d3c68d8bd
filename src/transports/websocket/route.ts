import { hasVisible } from '../../core/printable.ts';

/** A path with parameters, such as `/chat/{username}`. */
export interface Route {
  readonly path: string;
  readonly segments: readonly Segment[];
  /** `*`: any path at all. */
  readonly isAny: boolean;
}

interface Segment {
  readonly literal?: string;
  readonly parameter?: string;
}

/** Controls, and the separators that end a line as they do: they could forge lines of a log and keys of a record. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

const PARAMETER = /^\{([A-Za-z_]\w*)\}$/;

/** Throws an Error that says what is wrong with the path. */
export function parseRoute(path: string): Route {
  if (path === '*') return { path, segments: [], isAny: true };
  if (!path.startsWith('/')) throw new Error(`"${path}" must begin with /`);
  const segments = split(path).map((segment): Segment => {
    const parameter = PARAMETER.exec(segment)?.[1];
    if (parameter !== undefined) return { parameter };
    if (/[{}]/.test(segment))
      throw new Error(`"${segment}" in "${path}": a parameter fills a whole segment, such as /chat/{username}`);
    return { literal: segment };
  });
  return { path, segments, isAny: false };
}

/** Parameters of a path, percent-decoded. `problem` says, for the client, which of them cannot be read. */
export interface Match {
  readonly params: Readonly<Record<string, string>>;
  readonly problem?: string;
}

/** undefined where the path is another. A path that ends with `/` where a parameter is due leaves that one empty. */
export function matchRoute(route: Route, pathname: string): Match | undefined {
  if (route.isAny) return { params: {} };
  const given = split(pathname);
  const isLastEmpty = pathname.endsWith('/') && route.segments.at(-1)?.parameter !== undefined;
  if (isLastEmpty && given.length === route.segments.length - 1) given.push('');
  if (given.length !== route.segments.length) return undefined;
  const params: [name: string, text: string][] = [];
  let problem: string | undefined;
  for (const [index, { parameter, literal }] of route.segments.entries()) {
    const text = decoded(given[index] as string);
    if (parameter === undefined) {
      if (text !== literal) return undefined;
    } else if (text === undefined) problem = `${parameter} in the path is not percent-encoded UTF-8`;
    else params.push([parameter, text]);
  }
  const named = Object.fromEntries(params);
  return problem === undefined ? { params: named } : { params: named, problem };
}

/** Why a path cannot be served by an endpoint that takes its parameters for names and keys; undefined where it can. */
export function parameterProblem({ params, problem }: Match): string | undefined {
  if (problem !== undefined) return problem;
  for (const name in params) {
    const text = params[name] ?? '';
    if (CONTROL.test(text)) return `${name} in the path has control characters`;
    if (!hasVisible(text)) return `${name} in the path has no printable character`;
  }
  return undefined;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** A trailing slash makes no other path. */
function split(path: string): string[] {
  return path.replace(/\/$/, '').split('/').slice(1);
}
