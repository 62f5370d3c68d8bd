import { isIPv6 } from 'node:net';
import { MAX_PORT } from '../../../core/address.ts';

/** What Kafka's clients call `security.protocol`. */
export interface SecurityProtocol {
  readonly name: string;
  readonly hasTls: boolean;
  readonly hasSasl: boolean;
}

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  /** Where the address says one; it has to fit the settings of the link. */
  readonly protocol: SecurityProtocol | undefined;
}

const PROTOCOLS: readonly SecurityProtocol[] = [
  { name: 'PLAINTEXT', hasTls: false, hasSasl: false },
  { name: 'SSL', hasTls: true, hasSasl: false },
  { name: 'SASL_PLAINTEXT', hasTls: false, hasSasl: true },
  { name: 'SASL_SSL', hasTls: true, hasSasl: true },
];

const EXAMPLE = 'write host:port, such as kafka:9092';
const HOST = /^[A-Za-z0-9._-]+$/;

/** Reads `host:port`, `[IPv6]:port`, or one of them behind a protocol such as `SASL_SSL://`. A text is what is wrong with it. */
export function readBroker(text: string): BrokerAddress | string {
  const [, scheme, address = ''] = /^(?:([^:/]*):\/\/)?(.*)$/s.exec(text.trim()) ?? [];
  if (address === '') return `is empty; ${EXAMPLE}`;
  if (address.includes('@')) return `has a user name in it; ${EXAMPLE}, and the user under log.sasl`;
  if (address.includes(','))
    return 'has several brokers in it; write an entry for each, or one text with all in place of the list';
  const protocol = PROTOCOLS.find(({ name }) => name === scheme?.toUpperCase());
  if (scheme !== undefined && protocol === undefined) {
    const all = PROTOCOLS.map(({ name }) => `${name}://`).join(', ');
    return `"${text}" begins with ${scheme}://, which is none of ${all}; write ${address}`;
  }
  const [, bracketed, name = '', digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?\/?$/.exec(address) ?? [];
  const host = bracketed ?? name;
  if (bracketed === undefined && address.split(':').length > 2 && isIPv6(address.replace(/:\d+$/, '')))
    return `"${text}" is an IPv6 address without brackets; write ${address.replace(/^(.*):(\d+)$/, '[$1]:$2')}`;
  if (bracketed === undefined ? !HOST.test(host) : !isIPv6(host))
    return `"${text}" is not a broker address; ${EXAMPLE}`;
  if (digits === undefined) return `"${text}" has no port; write ${address.replace(/\/$/, '')}:9092`;
  const port = Number(digits);
  if (port < 1 || port > MAX_PORT) return `"${text}": the port is a number from 1 to ${MAX_PORT}`;
  return { host, port, protocol };
}
