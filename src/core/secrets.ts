/** An API key: long, letters and digits mixed. */
const KEY_LIKE = /^(?=.*\d)(?=.*[A-Za-z])[\w-]{20,}$/;
/** Names of fields, headers and parameters whose values are secrets. Too many do no harm: they only hide more. */
const SECRET_NAME = /pass(word|phrase|wd)|secret|token|api[-_.]?key|auth|sign|credential|cookie|session|jaas/i;
/** Parameters of a URL whose values are secrets, beside those. Elsewhere a key mostly is that of a record. */
const SECRET_PARAMETER = /key$|^(?:pin|pwd?|sig)$/i;
/** A shorter text would blot out ordinary words. */
const SHORTEST = 4;
/** Most values of a query are words, such as `format=full`. */
const SHORTEST_QUERY = 8;
/** Most words of a header, such as `no-cache`, are shorter. */
const SHORTEST_WORD = 10;
/** How often JSON may be within a text of JSON. */
const MOST_ESCAPES = 3;
/** A field of JSON that is text, which may lack its end. */
const NAMED_TEXT = /"([^"\\]{1,100})"\s{0,10}:\s{0,10}"((?:[^"\\]|\\.)*)/gs;
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
/** In the place of a secret. */
export const HIDDEN = '***';

/** Whether a value looks like a secret by itself. */
export function isKeyLike(value: string): boolean {
  return KEY_LIKE.test(value);
}

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

export function isSecretParameter(name: string): boolean {
  return SECRET_PARAMETER.test(name) || isSecretName(name);
}

/** Parameters that carry what a client shows of itself, whatever the endpoint checks. */
const TOKEN_PARAMETER = /(?:^|[_-])(?:token|jwt|password|passwd|secret|api[_-]?key|signature|sig)$/i;

/** Parameters of a handshake for messages: without tokens, which would end up in records. `names`: those in which tokens are expected. */
export function withoutTokens(
  query: Readonly<Record<string, string>>,
  names: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const hidden = Object.keys(query).filter((name) => names.has(name) || TOKEN_PARAMETER.test(name));
  if (hidden.length === 0) return query;
  return Object.fromEntries(Object.entries(query).filter(([name]) => !hidden.includes(name)));
}

/** A URL for logs and metrics: without user, password and query, as those often hold secrets. */
export function displayUrl(url: string): string {
  if (!URL.canParse(url)) return HIDDEN;
  const { protocol, host, pathname, search } = new URL(url);
  const path = pathname
    .split('/')
    .map((part) => (isKeyLike(part) ? HIDDEN : part))
    .join('/');
  return `${protocol}//${host}${path === '/' && search === '' ? '' : path}${search === '' ? '' : '?…'}`;
}

/** Whether a text that was meant as a URL, and need not be one, has no place in which a secret could be. */
export function isOpenUrl(text: string): boolean {
  return !/[@?]/.test(text) && !text.split('/').some(isKeyLike);
}

/** Values of a URL that `displayUrl` leaves out. */
export function secretsOfUrl(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { username, password, search, pathname } = new URL(url);
  const pair = `${decoded(username)}:${decoded(password)}`;
  const secrets = [username, password, decoded(username), decoded(password), Buffer.from(pair).toString('base64')];
  secrets.push(...pathname.split('/').filter(isKeyLike));
  // As they were written too: an error that repeats the URL repeats that.
  for (const parameter of search.slice(1).split('&')) {
    const [name = '', ...rest] = parameter.split('=');
    const value = rest.join('=');
    if (value.length >= SHORTEST_QUERY || isSecretParameter(name))
      secrets.push(value, decoded(value.replaceAll('+', ' ')));
  }
  return secrets;
}

/** Values of a message in JSON whose names say that they are secrets; of a part of one those that can be made out. */
export function secretsOfJson(text: string): string[] {
  const secrets: string[] = [];
  try {
    JSON.parse(text, (name, value: unknown) => {
      if (typeof value === 'string' && (isSecretName(name) || isKeyLike(value))) secrets.push(value);
      return value;
    });
  } catch {
    // Some servers are not spoken to in JSON, and a long message may have been cut.
    for (const [, name = '', value = ''] of text.matchAll(NAMED_TEXT))
      if (isSecretName(name) || isKeyLike(value)) secrets.push(value, unescaped(value));
  }
  return secrets;
}

/** What the value of a header holds: a server may repeat a token without the word before it. */
export function secretsOfHeader(value: string): string[] {
  const words = value.split(/[\s,;]+/).flatMap((word) => [word, word.slice(word.indexOf('=') + 1)]);
  const basic = /^basic\s+(\S+)$/i.exec(value)?.[1];
  const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString();
  const [user = '', password = ''] = pair.split(/:(.*)/s);
  return [value, ...words.filter(({ length }) => length >= SHORTEST_WORD), user, password];
}

/**
 * Blots secrets out of a text that others wrote: a server may repeat what it was sent. Where it repeats one as JSON escapes it,
 * the text is shown without escapes.
 */
export function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  const known = secrets.filter((secret) => secret !== undefined).filter(({ length }) => length >= SHORTEST);
  // A longer one first: one that it holds would leave the rest of it to be read.
  known.sort((one, other) => other.length - one.length);
  const blotted = (some: string) => known.reduce((clean, secret) => clean.replaceAll(secret, HIDDEN), some);
  let clean = blotted(text);
  let plain = clean;
  for (let times = 0; times < MOST_ESCAPES && plain.includes('\\'); times += 1) {
    const before = unescaped(plain);
    plain = blotted(before);
    if (plain !== before) clean = plain;
  }
  return clean;
}

/** A text of JSON without its escapes (RFC 8259 7). */
function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, char: string) =>
    code === undefined ? (CONTROLS[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
