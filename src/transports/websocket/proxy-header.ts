import { isIP } from 'node:net';
import { plainAddress } from '../../core/client-address.ts';

/** Which versions of the PROXY protocol a listener takes. */
export type ProxyVersions = 'v1' | 'v2' | 'any';

/**
 * What the first bytes of a connection are. `length`: bytes of the header. `source`: address of the client; undefined where the
 * proxy speaks for itself, as for a health check.
 */
export type ProxyHeader =
  | { readonly type: 'incomplete' }
  | { readonly type: 'complete'; readonly length: number; readonly source: string | undefined }
  | { readonly type: 'broken'; readonly reason: string };

const SIGNATURE_V2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const BEGIN_V1 = Buffer.from('PROXY ');
/** Longest line of version 1, with its CRLF. */
const MAX_V1 = 107;
/** Bytes of version 2 in front of the addresses. */
const HEAD_V2 = 16;
/** Most bytes of addresses and additions of version 2; HAProxy sends some hundreds. */
const MAX_V2 = 4_096;
/** Bytes of addresses by family: TCP over IPv4 and over IPv6. */
const TCP4 = 0x11;
const TCP6 = 0x21;
const LINE_V1 = /^PROXY (TCP4|TCP6) ([^ ]+) ([^ ]+) (\d{1,5}) (\d{1,5})$/;

const INCOMPLETE: ProxyHeader = { type: 'incomplete' };

/** Reads a header of the PROXY protocol (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, 2.1 and 2.2). */
export function readProxyHeader(bytes: Buffer, versions: ProxyVersions): ProxyHeader {
  if (versions !== 'v1' && beginsLike(bytes, SIGNATURE_V2)) return readV2(bytes);
  if (versions !== 'v2' && beginsLike(bytes, BEGIN_V1)) return readV1(bytes);
  return broken(`the connection does not begin with a PROXY header${versions === 'any' ? '' : ` of ${versions}`}`);
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_V1).indexOf('\r\n');
  if (end < 0) return bytes.length < MAX_V1 ? INCOMPLETE : broken(`the PROXY line is longer than ${MAX_V1} bytes`);
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  // What follows UNKNOWN is to be ignored.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN '))
    return { type: 'complete', length, source: undefined };
  const [, family, source = '', destination = '', ...ports] = LINE_V1.exec(line) ?? [];
  const wanted = family === 'TCP6' ? 6 : 4;
  const isRight =
    family !== undefined &&
    isIP(source) === wanted &&
    isIP(destination) === wanted &&
    ports.every((port) => Number(port) <= 65_535);
  return isRight ? { type: 'complete', length, source: plainAddress(source) } : broken('the PROXY line is malformed');
}

function readV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < HEAD_V2) return INCOMPLETE;
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const size = bytes.readUInt16BE(14);
  if (command !== 0x20 && command !== 0x21) return broken('the PROXY header has an unknown version or command');
  if (size > MAX_V2) return broken(`the PROXY header is longer than ${MAX_V2} bytes`);
  const length = HEAD_V2 + size;
  if (bytes.length < length) return INCOMPLETE;
  const isLocal = command === 0x20;
  if (isLocal || (family !== TCP4 && family !== TCP6)) return { type: 'complete', length, source: undefined };
  const width = family === TCP4 ? 4 : 16;
  if (size < 2 * width + 4) return broken('the PROXY header has no room for its addresses');
  return { type: 'complete', length, source: sourceOf(bytes.subarray(HEAD_V2, HEAD_V2 + width)) };
}

function sourceOf(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  return plainAddress((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'));
}

/** Whether the bytes are the beginning of `mark`, or begin with it. */
function beginsLike(bytes: Buffer, mark: Buffer): boolean {
  const length = Math.min(bytes.length, mark.length);
  return bytes.compare(mark, 0, length, 0, length) === 0;
}

function broken(reason: string): ProxyHeader {
  return { type: 'broken', reason };
}
