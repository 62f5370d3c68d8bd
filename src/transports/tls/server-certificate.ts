import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Each of them is the path of a PEM file, or the PEM text itself. */
export interface CertificateSettings {
  readonly cert: string;
  readonly key: string;
  readonly client_ca?: string | undefined;
}

export type CertificateSetting = keyof CertificateSettings;

/** What a TLS server shows its clients, as PEM, and what it verifies theirs by. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  /** For the log: the subject of the certificate on one line. */
  readonly subject: string;
  /** Milliseconds since 1970 until which all certificates of `cert` are valid. */
  readonly notAfter: number;
}

/** Why they cannot be used; the message does not repeat the setting. */
export class CertificateFault extends Error {
  readonly setting: CertificateSetting;
  /** The file cannot be read here, which says nothing of its content. */
  readonly isUnreadable: boolean;

  constructor(setting: CertificateSetting, message: string, isUnreadable = false) {
    super(message);
    this.setting = setting;
    this.isUnreadable = isUnreadable;
  }
}

const BLOCK = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;
const PEM = /^\s*-----BEGIN /;

/** Whether a setting is the text of a PEM file, and not its path. */
export function isPem(text: string): boolean {
  return PEM.test(text);
}

/** Throws a CertificateFault. */
export function readServerCertificate({ cert, key, client_ca }: CertificateSettings): ServerCertificate {
  const certPem = textOf('cert', cert);
  const chain = certificatesIn('cert', certPem);
  const keyPem = textOf('key', key);
  const [own] = chain;
  if (own?.checkPrivateKey(keyIn(keyPem)) !== true)
    throw new CertificateFault(
      'key',
      `it is not the key of the first certificate in cert (${own === undefined ? '' : subjectOf(own)}); the certificate of this server has to be in front of those of its authorities`,
    );
  const clientCa = client_ca === undefined ? undefined : textOf('client_ca', client_ca);
  if (clientCa !== undefined) certificatesIn('client_ca', clientCa);
  const notAfter = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
  return { cert: certPem, key: keyPem, clientCa, subject: subjectOf(own), notAfter };
}

/** The text of a PEM file, which a setting holds or is the path of. Throws an Error of Node. */
export function readPem(given: string): string {
  return isPem(given) ? given : readFileSync(given, 'utf8');
}

function textOf(setting: CertificateSetting, given: string): string {
  try {
    return readPem(given);
  } catch (error) {
    throw new CertificateFault(setting, `the file cannot be read: ${(error as Error).message}`, true);
  }
}

function certificatesIn(setting: CertificateSetting, pem: string): X509Certificate[] {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0)
    throw new CertificateFault(setting, 'there is no certificate in it; expected PEM, -----BEGIN CERTIFICATE-----');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new CertificateFault(setting, `certificate ${index + 1} in it is damaged`);
    }
  });
}

function keyIn(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    // Also a key of the older form, which says so in a header.
    const hasPassphrase = (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE' || /ENCRYPTED/.test(pem);
    throw new CertificateFault(
      'key',
      hasPassphrase
        ? 'the key has a passphrase; give one without, as openssl pkey writes it'
        : 'there is no private key in it; expected PEM, -----BEGIN PRIVATE KEY-----',
    );
  }
}

function subjectOf({ subject, subjectAltName }: X509Certificate): string {
  return subject?.replaceAll('\n', ', ') || subjectAltName || 'without a name';
}
