import { describeExpiry, RENEWAL_TIME } from '../transports/tls/expiry-alarm.ts';
import {
  CertificateFault,
  type CertificateSettings,
  readServerCertificate,
} from '../transports/tls/server-certificate.ts';
import { doubting, type Finding, failing, type Path } from './problem.ts';
import type { ParsedConfig } from './schema.ts';

/**
 * Certificates that cannot be used. A file that cannot be read here is worth a note only: a configuration is often checked on
 * another machine than the one that has its secrets. The gateway does not start without it.
 */
export function lintTls(config: ParsedConfig): Finding[] {
  const places: [Path, CertificateSettings | undefined][] = [
    ...Object.entries(config.listeners).map(([name, { tls }]): [Path, typeof tls] => [['listeners', name, 'tls'], tls]),
    [['admin', 'tls'], config.admin.tls],
    [['connect', 'tls'], config.connect?.tls],
  ];
  return places.flatMap(([path, tls]) => (tls === undefined ? [] : lintCertificate(path, tls)));
}

function lintCertificate(path: Path, settings: CertificateSettings): Finding[] {
  try {
    const { notAfter } = readServerCertificate(settings);
    const now = Date.now();
    if (notAfter - now > RENEWAL_TIME) return [];
    return [doubting([...path, 'cert'], `the certificate ${describeExpiry(notAfter, now)}`)];
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error;
    const at = [...path, error.setting];
    if (!error.isUnreadable) return [failing(at, error.message)];
    return [{ severity: 'note', path: at, message: `${error.message}; the gateway does not start without it` }];
  }
}
