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

/** Values of a message in JSON whose names say that they are secrets; none where it is not JSON. */
export function secretsOfJson(text: string): string[] {
  const secrets: string[] = [];
  try {
    JSON.parse(text, (name, value: unknown) => {
      if (typeof value === 'string' && (isSecretName(name) || isKeyLike(value))) secrets.push(value);
      return value;
    });
  } catch {
    // Some servers are not spoken to in JSON.
  }
  return secrets;
}

/** Blots secrets out of a text that others wrote: a server may repeat what it was sent. */
export function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  let clean = text;
  const known = secrets.filter((secret) => secret !== undefined).filter(({ length }) => length >= SHORTEST);
  // A longer one first: one that it holds would leave the rest of it to be read.
  for (const secret of known.sort((one, other) => other.length - one.length)) clean = clean.replaceAll(secret, HIDDEN);
  return clean;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
