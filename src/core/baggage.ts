import { type Header, type Headers, NO_HEADERS } from './headers.ts';
import type { FieldOf, TraceFormatName } from './trace-format.ts';

const BAGGAGE = 'baggage';
const UBERCTX = 'uberctx-';
/** https://www.w3.org/TR/baggage/#limits: what all programs have to carry at least is the most that is carried here. */
const MAX_MEMBERS = 64;
const MAX_BYTES = 8_192;
/** Characters that are looked at: frames may be long. */
const MAX_READ = 2 * MAX_BYTES;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

interface Member {
  readonly key: string;
  /** Percent-encoded, as it travels. */
  readonly value: string;
  /** As W3C has them: `;name=value`. */
  readonly properties: string;
}

/** Reads baggage from fields of handshakes and frames, and writes it as headers of records. */
export class Baggage {
  private readonly formats: readonly TraceFormatName[];
  private readonly dropped: () => void;

  /** `formats`: the first that is there counts, all are written. `dropped` is called for each reading that left something out. */
  constructor(formats: readonly TraceFormatName[], dropped: () => void) {
    this.formats = formats.filter(carriesBaggage);
    this.dropped = dropped;
  }

  /** The headers that say what these fields say. Never throws. */
  read<Carrier extends object>(carrier: Carrier, fieldOf: FieldOf<Carrier>): Headers {
    for (const format of this.formats) {
      const found = format === 'w3c' ? this.inOneField(carrier, fieldOf) : this.inManyFields(carrier, fieldOf);
      if (found.length > 0) return this.formats.flatMap((written) => headersOf(written, found));
    }
    return NO_HEADERS;
  }

  private inOneField<Carrier extends object>(carrier: Carrier, fieldOf: FieldOf<Carrier>): Member[] {
    const text = fieldOf(carrier, BAGGAGE);
    return text === undefined ? [] : this.bounded(membersOf(text));
  }

  private inManyFields<Carrier extends object>(carrier: Carrier, fieldOf: FieldOf<Carrier>): Member[] {
    const members: (Member | undefined)[] = [];
    for (const name of Object.keys(carrier)) {
      if (!name.startsWith(UBERCTX) || members.length > MAX_MEMBERS) continue;
      const text = fieldOf(carrier, name);
      if (text !== undefined) members.push(memberOf(name.slice(UBERCTX.length), text));
    }
    return this.bounded(members);
  }

  /** As many of them as fit, from the first one on; of several with the same key the last, as OpenTelemetry reads them. */
  private bounded(members: Iterable<Member | undefined>): Member[] {
    const kept = new Map<string, Member>();
    let bytes = -1;
    let isWhole = true;
    for (const member of members) {
      const before = member && kept.get(member.key);
      const size = sizeOf(member) - (before === undefined ? 0 : sizeOf(before));
      const isFull = before === undefined && kept.size === MAX_MEMBERS;
      if (member === undefined || isFull || bytes + size > MAX_BYTES) {
        isWhole = false;
        continue;
      }
      kept.set(member.key, member);
      bytes += size;
    }
    if (!isWhole) this.dropped();
    return [...kept.values()];
  }
}

/** Zipkin's headers have no baggage. */
export function carriesBaggage(format: TraceFormatName): boolean {
  return format !== 'b3';
}

/** Whether a message brings baggage of its own among its headers. */
export function hasBaggage(headers: Headers): boolean {
  return headers.some(([name]) => name === BAGGAGE || name.startsWith(UBERCTX));
}

/** The members of a `baggage` field, undefined for each that is malformed. */
function* membersOf(text: string): Generator<Member | undefined> {
  const isCut = text.length > MAX_READ;
  const parts = (isCut ? text.slice(0, MAX_READ) : text).split(',');
  // Where the text was cut, its last member may go on.
  if (isCut) parts.pop();
  for (const part of parts) {
    const [pair = '', ...properties] = part.split(';').map((piece) => piece.trim());
    if (pair === '' && properties.length === 0) continue;
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(equals, 0)).trim();
    const value = pair.slice(equals + 1).trim();
    const isSound = TOKEN.test(key) && isEncoded(value) && properties.every((property) => OCTETS.test(property));
    yield isSound ? { key, value, properties: properties.map((property) => `;${property}`).join('') } : undefined;
  }
  if (isCut) yield undefined;
}

/** A member of `uberctx-*`, whose value may be percent-encoded. */
function memberOf(key: string, text: string): Member | undefined {
  if (!TOKEN.test(key) || text.length > MAX_BYTES) return undefined;
  if (isEncoded(text)) return { key, value: text, properties: '' };
  const value = encoded(text);
  return value === undefined ? undefined : { key, value, properties: '' };
}

/** Whether a value can travel as it is, and be decoded where it arrives. */
function isEncoded(value: string): boolean {
  return OCTETS.test(value) && (!value.includes('%') || encoded(value) !== undefined);
}

/** undefined for what is neither text nor percent-encoded text. */
function encoded(text: string): string | undefined {
  try {
    return encodeURIComponent(decodeURIComponent(text));
  } catch {
    return undefined;
  }
}

function headersOf(format: TraceFormatName, members: readonly Member[]): Header[] {
  if (format === 'w3c') return [[BAGGAGE, members.map(written).join(',')]];
  return members.map(({ key, value }) => [`${UBERCTX}${key}`, value]);
}

/** Characters of a member with its comma; a malformed member is too long for any limit. */
function sizeOf(member: Member | undefined): number {
  return member === undefined ? Number.POSITIVE_INFINITY : written(member).length + 1;
}

function written({ key, value, properties }: Member): string {
  return `${key}=${value}${properties}`;
}
