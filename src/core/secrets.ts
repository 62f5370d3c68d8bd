/** Parts of a path that look like an API key: long, letters and digits mixed. */
const KEY_LIKE = /^(?=.*\d)(?=.*[A-Za-z])[\w-]{20,}$/;
/** A shorter text would blot out ordinary words. */
const SHORTEST = 4;
/** Most values of a query are words, such as `format=full`. */
const SHORTEST_QUERY = 8;
const BLOT = '***';

/** A URL for logs and metrics: without user, password and query, as those often hold secrets. */
export function displayUrl(url: string): string {
  if (!URL.canParse(url)) return BLOT;
  const { protocol, host, pathname, search } = new URL(url);
  const path = pathname
    .split('/')
    .map((part) => (KEY_LIKE.test(part) ? BLOT : part))
    .join('/');
  return `${protocol}//${host}${path === '/' && search === '' ? '' : path}${search === '' ? '' : '?…'}`;
}

/** Values of a URL that `displayUrl` leaves out. */
export function secretsOfUrl(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { username, password, searchParams, pathname } = new URL(url);
  const keys = pathname.split('/').filter((part) => KEY_LIKE.test(part));
  const values = [...searchParams.values()].filter((value) => value.length >= SHORTEST_QUERY);
  return [username, password, decoded(username), decoded(password), ...values, ...keys];
}

/** Blots secrets out of a text that others wrote: a server may say what it was told. */
export function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  let clean = text;
  for (const secret of secrets)
    if (secret !== undefined && secret.length >= SHORTEST) clean = clean.replaceAll(secret, BLOT);
  return clean;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
