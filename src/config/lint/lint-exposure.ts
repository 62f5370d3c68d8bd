import { authOf } from '../../auth/settings.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import type { ParsedConfig } from '../schema/schema.ts';

/** Ports that are open to more than is meant. */
export function lintExposure(config: ParsedConfig): Finding[] {
  return [
    ...lintProxies(config),
    ...lintPlainListeners(config),
    ...lintPlainPorts(config),
    ...lintCertificates(config),
  ];
}

export const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/i;

/** A range of all addresses has the clients in it. */
function lintProxies({ listeners }: ParsedConfig): Finding[] {
  return Object.entries(listeners).flatMap(([name, { trusted_proxies }]) =>
    trusted_proxies.flatMap((range, index) =>
      /\/0+$/.test(range)
        ? [
            doubting(
              ['listeners', name, 'trusted_proxies', index],
              `${range} is everyone, so each client chooses its own address by X-Forwarded-For; list the addresses of your proxies`,
            ),
          ]
        : [],
    ),
  );
}

const IN_THE_CLEAR = 'go through the network unencrypted, where others can read them';

/** A listener with proxies gets what they have decrypted. */
function lintPlainListeners({ listeners, endpoints }: ParsedConfig): Finding[] {
  return Object.entries(endpoints).flatMap(([name, { listener, auth }]) => {
    const port = Object.hasOwn(listeners, listener) ? listeners[listener] : undefined;
    if (auth === undefined || port === undefined || port.tls !== undefined) return [];
    if (LOOPBACK.test(port.host ?? '') || port.trusted_proxies.length > 0 || port.proxy_protocol !== 'off') return [];
    const message = `the tokens and passwords of its clients ${IN_THE_CLEAR}; set listeners.${listener}.tls, or list the proxy that has TLS in its trusted_proxies`;
    return [{ severity: 'note', path: ['endpoints', name, 'auth'], message }];
  });
}

function lintPlainPorts({ admin, connect }: ParsedConfig): Finding[] {
  const note = (section: string): Finding => ({
    severity: 'note',
    path: [section, 'auth'],
    message: `the tokens and passwords of operators ${IN_THE_CLEAR}; set ${section}.tls, or bind 127.0.0.1 (${section}.host)`,
  });
  const isPlain = ({ auth, tls, host }: { auth?: string | undefined; tls?: unknown; host?: string | undefined }) =>
    auth !== undefined && tls === undefined && !LOOPBACK.test(host ?? '');
  const findings = [];
  if (admin.port !== undefined && isPlain(admin)) findings.push(note('admin'));
  if (connect !== undefined && isPlain(connect)) findings.push(note('connect'));
  if (connect?.tls !== undefined && /^http:/i.test(connect.advertised))
    findings.push(
      failing(
        ['connect', 'advertised'],
        'this port has TLS (connect.tls), so other gateways could not reach it by http://; write https://, or leave it out',
      ),
    );
  return findings;
}

/** An entry that lets no client in. */
function lintCertificates({ auth, endpoints, listeners }: ParsedConfig): Finding[] {
  return Object.entries(endpoints).flatMap(([name, { auth: entry, listener }]) => {
    const methods = authOf({ auth: entry }, auth);
    const port = Object.hasOwn(listeners, listener) ? listeners[listener] : undefined;
    if (methods?.certificate === undefined || port === undefined || port.tls?.client_ca !== undefined) return [];
    return [withoutCertificates(['endpoints', name, 'auth'], `auth.${entry}`, listener)];
  });
}

function withoutCertificates(path: Path, entry: string, listener: string): Finding {
  return doubting(
    path,
    `${entry} knows clients by their certificates, and the listener asks for none; set listeners.${listener}.tls.client_ca`,
  );
}
