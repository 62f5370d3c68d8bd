import type { IncomingMessage } from 'node:http';

/** What came more than once in a request. Node and URLs give one of the values only, and a proxy may have read another one. */
export interface Repeated {
  readonly authorization: boolean;
  /** Names of parameters of the URL. */
  readonly parameters: readonly string[];
}

export function repeatedIn({ headersDistinct, url = '' }: IncomingMessage): Repeated {
  const start = url.indexOf('?');
  const names = start < 0 ? [] : [...new URLSearchParams(url.slice(start)).keys()];
  return {
    authorization: (headersDistinct.authorization?.length ?? 0) > 1,
    parameters: names.filter((name, at) => names.indexOf(name) < at),
  };
}
