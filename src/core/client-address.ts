import { isIP, isIPv6, SocketAddress } from 'node:net';

/**
 * An IP address in one form: without zone, IPv6 as RFC 5952 has it, and an IPv4 address that came as IPv6 (::ffff:192.0.2.1) as
 * IPv4. undefined for text that is not an address.
 */
export function plainAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 0) return undefined;
  if (family === 4) return text;
  const [bare = ''] = text.split('%');
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address;
}

/**
 * What limits of one client are counted by: the IPv4 address, or the first 64 bits of an IPv6 address, as each network has at
 * least that many for itself. Text that is not an address is given back.
 */
export function limitKeyOf(remote: string): string {
  const address = plainAddress(remote) ?? remote;
  return isIPv6(address) ? networkOf(address) : address;
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, 4);
  return `${groups.join(':')}::/64`;
}
