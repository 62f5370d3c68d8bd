import type { SecureContextOptions } from 'node:tls';
import type { ServerTls } from '../core/server-tls.ts';
import { SecurePort, type ServerTlsSettings } from '../transports/tls/secure-port.ts';
import { readPem } from '../transports/tls/server-certificate.ts';
import type { GatewayContext } from './gateway-context.ts';

/** TLS of the port whose settings are at `place`; undefined where it has none. Throws TG_CONFIG_INVALID. */
export function securePort(
  context: GatewayContext,
  place: string,
  settings: ServerTlsSettings | undefined,
): ServerTls | undefined {
  if (settings === undefined) return undefined;
  const { clock, stats } = context;
  return new SecurePort({ place, settings, clock, stats, logger: context.scoped('tls') });
}

/** What a gateway calls the others of its cluster with: its own certificate, and the authorities that verify theirs. */
export function callTls({
  cert,
  key,
  ca,
}: ServerTlsSettings & { readonly ca?: string | undefined }): SecureContextOptions {
  return {
    ...{ cert: readPem(cert), key: readPem(key) },
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
  };
}
