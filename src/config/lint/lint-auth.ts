import { authOf } from '../../auth/settings.ts';
import { doubting, type Finding, failing } from '../problem/problem.ts';
import type { ParsedConfig } from '../schema/schema.ts';
import { LOOPBACK } from './lint-exposure.ts';

/** Settings about identities that do not go together. */
export function lintAuth(config: ParsedConfig): Finding[] {
  return [...lintKeyServers(config), ...lintAdmin(config), ...lintConnect(config)];
}

function lintKeyServers({ auth }: ParsedConfig): Finding[] {
  return Object.entries(auth).flatMap(([name, { jwt }]) => {
    if (jwt?.jwks === undefined) return [];
    const { protocol, hostname } = new URL(jwt.jwks);
    const path = ['auth', name, 'jwt'];
    return [
      ...(protocol === 'http:' && !LOOPBACK.test(hostname)
        ? [doubting([...path, 'jwks'], 'without TLS anyone in the network can choose the keys; use https')]
        : []),
      ...(jwt.audience.length === 0
        ? [
            doubting(
              path,
              'without audience the tokens that the issuer gives to other services are accepted, too; set it',
            ),
          ]
        : []),
    ];
  });
}

/** No operator could use the port, which cannot be meant. */
function lintAdmin({ auth, admin }: ParsedConfig): Finding[] {
  if (admin.tls?.client_ca !== undefined || !onlyCertificates(auth, admin.auth)) return [];
  const message = `auth.${admin.auth} knows certificates only, which the admin port does not ask for; set admin.tls.client_ca`;
  return [failing(['admin', 'auth'], message)];
}

function lintConnect({ auth, connect }: ParsedConfig): Finding[] {
  if (connect === undefined) return [];
  if (connect.auth === undefined)
    return LOOPBACK.test(connect.host)
      ? []
      : [
          doubting(
            ['connect', 'host'],
            'everyone who reaches this address may change connectors and read their settings; set connect.auth, or bind 127.0.0.1',
          ),
        ];
  return onlyCertificates(auth, connect.auth)
    ? [
        failing(
          ['connect', 'auth'],
          `auth.${connect.auth} knows certificates only, which a gateway cannot hand on with a call for another one; add jwt, bearer or basic`,
        ),
      ]
    : [];
}

function onlyCertificates(auth: ParsedConfig['auth'], name: string | undefined): boolean {
  const entry = authOf({ auth: name }, auth);
  return entry !== undefined && entry.jwt === undefined && entry.bearer === undefined && entry.basic === undefined;
}
