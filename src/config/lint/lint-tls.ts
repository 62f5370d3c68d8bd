import { statSync } from 'node:fs';
import { describeExpiry, RENEWAL_TIME } from '../../transports/tls/expiry-alarm.ts';
import {
  CertificateFault,
  type CertificateSettings,
  isPem,
  readServerCertificate,
} from '../../transports/tls/server-certificate.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import type { ParsedConfig } from '../schema/schema.ts';

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

/** Windows has no such rights, and gives 0o666 for all files. */
function isReadByAll(key: string): boolean {
  return process.platform !== 'win32' && !isPem(key) && (statSync(key).mode & 0o004) !== 0;
}

/** In a container there is one user only, and Kubernetes mounts Secrets like this. */
function readByAll(path: Path): Finding {
  const message = 'every user of this machine may read the file; take their right away (chmod o=)';
  return { severity: 'note', path, message };
}

function lintCertificate(path: Path, settings: CertificateSettings): Finding[] {
  try {
    const { notAfter } = readServerCertificate(settings);
    const now = Date.now();
    return [
      ...(notAfter - now > RENEWAL_TIME
        ? []
        : [doubting([...path, 'cert'], `the certificate ${describeExpiry(notAfter, now)}`)]),
      ...(isReadByAll(settings.key) ? [readByAll([...path, 'key'])] : []),
    ];
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error;
    const at = [...path, error.setting];
    if (!error.isUnreadable) return [failing(at, error.message)];
    return [{ severity: 'note', path: at, message: `${error.message}; the gateway does not start without it` }];
  }
}
