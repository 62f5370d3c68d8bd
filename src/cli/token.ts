import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { createAuthenticator } from '../auth/index.ts';
import { makeHash } from '../auth/scrypt-hash.ts';
import { signToken } from '../auth/signing.ts';
import { type GatewayConfig, loadConfig } from '../config/index.ts';
import { awakeClock } from '../core/clock.ts';
import { reasonOf, TidegateError } from '../core/errors.ts';
import { ownEntry } from '../core/own-entry.ts';
import { parseDuration } from '../core/units.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createStats } from '../telemetry/stats.ts';

export interface CreateOptions {
  readonly auth: string;
  readonly claim: readonly string[];
  readonly expires: string;
  /** File of a private key. */
  readonly key?: string;
  readonly kid?: string;
}

/** Prints a token for trying out. Resolves with the exit code. */
export async function createToken(file: string, options: CreateOptions): Promise<number> {
  const { auth: name, claim, expires, key, kid: id } = options;
  const { jwt } = await entryOf(file, name);
  if (jwt === undefined) throw invalid(`${file}: auth.${name} has no jwt, so there is no token to make for it`);
  const lifetime = parseDuration(expires);
  if (lifetime === undefined) throw invalid(`--expires: "${expires}" is not a duration; use 5m, 1h or 24h`);
  const now = awakeClock.now();
  const content = { claims: claimsOf(claim), now, expires: now + lifetime, id };
  try {
    const pem = key === undefined ? undefined : await readFile(key, 'utf8');
    console.log(await signToken(jwt, pem, content));
  } catch (error) {
    throw invalid(`${key === undefined ? `auth.${name}.jwt` : `--key ${key}`}: ${reasonOf(error)}`);
  }
  return 0;
}

/** Reads a token from standard input and prints its claims, or why it is refused. Resolves with the exit code. */
export async function checkToken(file: string, name: string): Promise<number> {
  const entry = await entryOf(file, name);
  const token = (await text(process.stdin)).trim();
  // Why a key server gives no keys is logged.
  const logger = createLogger({ level: 'warn', destination: process.stderr });
  const authenticator = await createAuthenticator(name, entry, { clock: awakeClock, logger, stats: createStats() });
  try {
    const found = await authenticator.renew(token);
    if ('refusal' in found) {
      const { status, reason, message } = found.refusal;
      console.error(`refused with ${status} ${reason}: ${message}`);
      return 1;
    }
    const { claims, expires } = found.identity;
    console.log(JSON.stringify({ claims, expires: isoOrNone(expires) }, null, 2));
    return 0;
  } finally {
    authenticator.close();
  }
}

/** Reads a password from standard input and prints a hash of it, for `basic`. Resolves with the exit code. */
export async function hashPassword(): Promise<number> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password === '') throw invalid('there is no password on standard input');
  console.log(await makeHash(password));
  return 0;
}

async function entryOf(file: string, name: string): Promise<GatewayConfig['auth'][string]> {
  const { config } = await loadConfig(file, { production: null });
  const entry = ownEntry(config.auth, name);
  if (entry !== undefined) return entry;
  const names = Object.keys(config.auth);
  const there = names.length === 0 ? 'it has none' : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
  throw invalid(`${file}: there is no entry of auth "${name}"; ${there}`);
}

/** `sub=ada` is text, `roles:=["trader"]` is JSON. */
function claimsOf(texts: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    texts.map((claim) => {
      const [, name = '', sign = '', value = ''] = /^([^=]+?)(:?=)(.*)$/s.exec(claim) ?? [];
      if (name === '') throw invalid(`--claim: "${claim}" is neither name=text nor name:=JSON`);
      if (sign === '=') return [name, value];
      try {
        return [name, JSON.parse(value)];
      } catch {
        throw invalid(`--claim: what follows ${name}:= is not JSON`);
      }
    }),
  );
}

function isoOrNone(time: number | undefined): string | null {
  // A date has at most 8.64e15 milliseconds.
  return time === undefined || Math.abs(time) > 8.64e15 ? null : new Date(time).toISOString();
}

function invalid(message: string): TidegateError {
  return new TidegateError('TG_CONFIG_INVALID', message);
}
