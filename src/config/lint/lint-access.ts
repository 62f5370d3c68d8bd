import { type AllowSettings, patternsIn } from '../../auth/allow-settings.ts';
import { ACTIONS, type Action } from '../../core/permissions.ts';
import type { Expression } from '../../sdk/expression.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import { didYouMean } from '../problem/suggest.ts';
import type { EndpointConfig, ParsedConfig } from '../schema/schema.ts';

/** An expression that is evaluated when a client connects. */
export interface AccessExpression {
  readonly expression: Expression;
  readonly path: Path;
  /** What it sees in `meta` beside the endpoint, the parameters of the path and who the client is. */
  readonly meta?: readonly string[];
}

/** Who the clients of endpoints are and what they may do: settings that do not go together. */
export function lintAccess({ endpoints }: ParsedConfig): Finding[] {
  return Object.entries(endpoints).flatMap(([name, endpoint]) => [
    ...withoutEffect(endpoint, ['endpoints', name]),
    ...accessExpressions(endpoint, ['endpoints', name]).flatMap((one) => findingsOf(one, endpoint)),
  ]);
}

/** What `allow`, `presence.name` and `channels.join` of an endpoint evaluate. */
export function accessExpressions({ allow, presence, channels }: EndpointConfig, path: Path): AccessExpression[] {
  const settings: AllowSettings = allow ?? {};
  const patterns = ACTIONS.flatMap((action) =>
    patternsIn({ [action]: settings[action] }).map(({ expression }, index) => ({
      expression,
      path: [...path, 'allow', action, index],
    })),
  );
  const one = (expression: Expression | undefined, at: Path) =>
    expression === undefined ? [] : [{ expression, path: at }];
  return [
    ...one(settings.connect, [...path, 'allow', 'connect']),
    ...patterns.filter(({ expression }) => expression.text.includes('${!')),
    ...one(presence?.name, [...path, 'presence', 'name']),
    ...(channels?.join ?? [])
      .map(({ expression }, at) => ({
        expression,
        path: [...path, 'channels', 'join', at],
        meta: ['query', 'headers'],
      }))
      .filter(({ expression }) => expression.text.includes('${!')),
  ];
}

function withoutEffect({ auth, token_expiry, path: paths, presence }: EndpointConfig, path: Path): Finding[] {
  const findings: Finding[] = [];
  if (auth === undefined && token_expiry !== undefined)
    findings.push(
      failing(
        [...path, 'token_expiry'],
        'this endpoint has no auth, so no token can expire; leave this out or set auth',
      ),
    );
  if (paths.some((one) => one.includes('{auth}')))
    findings.push(
      failing([...path, 'path'], 'a parameter may not be called auth, which is who the client is; choose another name'),
    );
  if (presence?.name !== undefined && !presence.name.text.includes('${!'))
    findings.push(
      failing(
        [...path, 'presence', 'name'],
        `all clients would be called "${presence.name.text}"; write an expression such as "\${! auth.sub }"`,
      ),
    );
  return findings;
}

/** What `allow` says about channels: see `lint-channels.ts`. */
const OF_CHANNELS: readonly Action[] = ['subscribe', 'publish'];

/** What a pipeline does with messages is its own affair: `allow` says only who may connect. */
export function allowedInVain(allow: EndpointConfig['allow'], path: Path): Finding[] {
  if (allow === undefined) return [];
  const given = ACTIONS.filter(
    (action) => !OF_CHANNELS.includes(action) && allow[action].length > 0 && allow[action] !== 'nobody',
  );
  const why = 'is for codecs whose clients know each other or work with topics by themselves; leave this out';
  if (given.length > 0) return given.map((action) => failing([...path, action], `${action} ${why}`));
  return allow.connect === undefined && OF_CHANNELS.every((action) => allow[action].length === 0)
    ? [failing(path, 'nothing is allowed here; leave this out, or set connect')]
    : [];
}

/** What is known of a client that connects. */
const ROOTS_OF_CLIENTS = ['auth', 'meta'];

function findingsOf({ expression, path, meta = [] }: AccessExpression, endpoint: EndpointConfig): Finding[] {
  const { text, reads, doubts } = expression;
  const known = ['endpoint', ...meta, ...(endpoint.auth === undefined ? [] : ['auth']), ...paramsOf(endpoint)];
  const headers = endpoint.meta_headers.map((one) => one.toLowerCase());
  const findings = reads.flatMap(({ path: [root = '', name, header] }): Finding[] => {
    if (!ROOTS_OF_CLIENTS.includes(root))
      return [
        failing(path, `"${text}" reads ${root}, which only messages have; a client that connects has auth and meta`),
      ];
    if (endpoint.auth === undefined && (root === 'auth' || name === 'auth'))
      return [
        failing(path, `"${text}" reads auth, and this endpoint has none; set auth to an entry of the section auth`),
      ];
    if (root === 'meta' && name !== undefined && !known.includes(name))
      return [doubting(path, `a client that connects has no meta.${name}${didYouMean(name, known)}`)];
    if (root === 'meta' && name === 'headers' && header !== undefined && !headers.includes(header))
      return [doubting(path, `a client that connects has no meta.headers.${header}; list that header in meta_headers`)];
    return [];
  });
  return [...findings, ...doubts.map(({ severity, message }): Finding => ({ severity, path, message }))];
}

/** Names of the parameters of an endpoint's paths. */
export function paramsOf({ path }: Pick<EndpointConfig, 'path'>): string[] {
  return path.flatMap((one) => [...one.matchAll(/\{(\w+)\}/g)].map(([, param]) => param as string));
}
