import { isBearerToken } from './credentials.ts';
import { digestOf } from './keyed-digest.ts';

/** Shorter ones can be guessed. */
const MIN_LENGTH = 20;
const NAME = /^[^\s:#][^:]*$/;

/** Tokens that are known one by one. They are kept as digests only. */
export class StaticTokens {
  private readonly owners: ReadonlyMap<string, string>;

  /** Tokens by the name of their owner. */
  constructor(tokens: Readonly<Record<string, string>>) {
    this.owners = new Map(Object.entries(tokens).map(([name, token]) => [digestOf(token).toString('base64'), name]));
  }

  /** Whose token it is. How long that takes says nothing about the known ones, since the key of the digest is not known. */
  ownerOf(token: string): string | undefined {
    return this.owners.get(digestOf(token).toString('base64'));
  }
}

/** What is wrong with a token that is to be accepted; it does not quote it. */
export function tokenMistake(token: string): string | undefined {
  if (token.length < MIN_LENGTH)
    return `a token has at least ${MIN_LENGTH} characters, such as openssl rand -hex 32 prints`;
  return isBearerToken(token) ? undefined : 'a token has letters, digits and - . _ ~ + / in it, and = at its end';
}

/** A file of `name: token` lines; empty lines and those that begin with # are skipped. Throws an Error that quotes no token. */
export function readTokenFile(text: string): StaticTokens {
  const tokens: Record<string, string> = Object.create(null);
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const end = line.indexOf(':');
    const [name, token] = [line.slice(0, Math.max(0, end)).trim(), line.slice(end + 1).trim()];
    const mistake = NAME.test(name) ? tokenMistake(token) : 'write name: token';
    if (mistake !== undefined) throw new Error(`line ${index + 1}: ${mistake}`);
    if (name in tokens) throw new Error(`line ${index + 1}: this name is in the file already`);
    tokens[name] = token;
  }
  return new StaticTokens(tokens);
}
