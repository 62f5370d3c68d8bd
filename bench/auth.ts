/*
 * How many handshakes a second one core checks, with keys that are known: the whole way from the headers to an identity.
 * `npm run bench:auth` prints a row for each algorithm, and ends with 1 where one of them falls short.
 */
import { createAuthenticator } from '../src/auth/index.ts';
import { authSchema } from '../src/config/schema/auth-schema.ts';
import { systemClock } from '../src/core/clock.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createStats } from '../src/telemetry/stats.ts';
import { EC, ED, pemOf, RSA, SECRET, tokenOf } from '../test/unit/auth/rig.ts';

/** Handshakes a second of processor time. */
const WANTED = 5_000;
const CHECKS = 5_000;
/** That come at the same time. */
const AT_ONCE = 32;

const KEYS = [
  ['HS256', SECRET, { secret: SECRET }],
  ['RS256', RSA.privateKey, { key: pemOf(RSA.publicKey) }],
  ['PS256', RSA.privateKey, { key: pemOf(RSA.publicKey) }],
  ['ES256', EC.privateKey, { key: pemOf(EC.publicKey) }],
  ['EdDSA', ED.privateKey, { key: pemOf(ED.publicKey) }],
] as const;

let isShort = false;
for (const [algorithm, key, source] of KEYS) {
  const rules = { algorithms: [algorithm], issuer: 'https://id.example', audience: 'tidegate' };
  const entry = authSchema.parse({ jwt: { ...source, ...rules }, token: ['header', 'protocol', { query: 't' }] });
  const context = { clock: systemClock, logger: createLogger({ level: 'silent' }), stats: createStats() };
  const authenticator = await createAuthenticator('users', entry, context);
  const claims = { iss: 'https://id.example', aud: 'tidegate', sub: 'ada', exp: 2 ** 32, roles: ['trader'] };
  const headers = { authorization: `Bearer ${tokenOf({ alg: algorithm }, claims, key)}` };
  const check = async (count: number) => {
    let left = count;
    const client = async () => {
      while (left-- > 0)
        if ('refusal' in (await authenticator.identify({ headers, query: {} }))) throw new Error('a token was refused');
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
  };
  await check(CHECKS / 5);
  const before = process.cpuUsage();
  await check(CHECKS);
  const { user, system } = process.cpuUsage(before);
  const perSecond = Math.round(CHECKS / ((user + system) / 1_000_000));
  console.log(`${algorithm}: ${perSecond} handshakes for a second of one core`);
  isShort ||= perSecond < WANTED;
  authenticator.close();
}
if (isShort) console.error(`fewer than ${WANTED} handshakes a second`);
process.exitCode = isShort ? 1 : 0;
