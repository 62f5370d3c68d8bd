import { BlockList, isIP } from 'node:net';
import { plainAddress } from './client-address.ts';
import { quoteValue } from './quote.ts';

/** Bits of an address, by its family. */
const BITS = { 4: 32, 6: 128 } as const;

/** What is wrong with text that is to be an IP address or a range such as 10.0.0.0/8, and what to write; undefined for nothing. */
export function rangeMistake(text: string): string | undefined {
  const shown = JSON.stringify(quoteValue(text));
  const [address = '', digits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes('%'))
    return `${shown} is not an IP address or a range of them; write one such as 10.0.0.0/8, 192.0.2.7 or fd00::/8`;
  const most = BITS[family as 4 | 6];
  if (digits !== undefined && !(/^\d{1,3}$/.test(digits) && Number(digits) <= most))
    return `${shown}: what follows the / is a number from 0 to ${most}`;
  return undefined;
}

/** IP addresses, given one by one or as ranges (RFC 4632). An IPv4 address is the same where it comes as IPv6. */
export class AddressRanges {
  readonly isEmpty: boolean;
  private readonly list = new BlockList();

  /** Each entry is one in which `rangeMistake` finds nothing. */
  constructor(entries: readonly string[]) {
    this.isEmpty = entries.length === 0;
    for (const entry of entries) {
      const [address = '', digits] = entry.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      this.list.addSubnet(address, digits === undefined ? BITS[family === 'ipv6' ? 6 : 4] : Number(digits), family);
    }
  }

  has(address: string): boolean {
    if (this.isEmpty) return false;
    const plain = plainAddress(address);
    return plain !== undefined && this.list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  }
}
