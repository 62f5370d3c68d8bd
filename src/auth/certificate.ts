import type { PeerCertificate } from 'node:tls';
import type { Identity } from '../core/identity.ts';

/** Node's names of the kinds of alternative names (RFC 5280 4.2.1.6), and ours. */
const KINDS: Readonly<Record<string, string>> = { DNS: 'dns', URI: 'uri', email: 'email', 'IP Address': 'ip' };
/** `DNS:a.example, URI:spiffe://b`; Node writes a name with a comma or a quote in it as JSON. */
const NAME = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** `sub` is the common name, where there is one; `san` are the alternative names by kind. undefined for no certificate. */
export function identityOfCertificate(certificate: PeerCertificate | undefined): Identity | undefined {
  // Node gives an empty object where the peer has shown none.
  if (certificate?.subject === undefined) return undefined;
  const { subject, serialNumber, fingerprint256, valid_to, subjectaltname } = certificate;
  const { CN } = subject;
  const claims = {
    ...(typeof CN === 'string' ? { sub: CN } : {}),
    subject: Object.freeze({ ...subject }),
    san: alternativeNames(subjectaltname ?? ''),
    serial: serialNumber,
    fingerprint: fingerprint256,
  };
  const expires = Date.parse(valid_to);
  return { claims: Object.freeze(claims), ...(Number.isNaN(expires) ? {} : { expires }) };
}

/** None at all where the text is not understood to its end: half of it could be what someone wrote into a name. */
function alternativeNames(text: string): Readonly<Record<string, readonly string[]>> {
  const names: Record<string, string[]> = { dns: [], uri: [], email: [], ip: [] };
  NAME.lastIndex = 0;
  let end = 0;
  for (let match = NAME.exec(text); match !== null && end < text.length; match = NAME.exec(text)) {
    end = NAME.lastIndex;
    const [, kind = '', value = ''] = match;
    names[KINDS[kind] ?? '']?.push(value.startsWith('"') ? String(JSON.parse(value)) : value);
  }
  const isWhole = end === text.length;
  return Object.freeze(
    Object.fromEntries(Object.entries(names).map(([kind, list]) => [kind, Object.freeze(isWhole ? list : [])])),
  );
}
