import { z } from 'zod';
import * as field from '../../sdk/fields.ts';

const pem = () => field.filePath('expected the path of a PEM file');

const settings = z.strictObject({
  cert: pem().describe(
    'Path of a PEM file with the certificate of this port, followed by those of its authorities; or the PEM text itself, as in "${TLS_CERT}".',
  ),
  key: pem().describe('Path of a PEM file with the key of cert, without a passphrase; or the PEM text itself.'),
  client_ca: pem()
    .optional()
    .describe(
      'Path of a PEM file with the authorities that verify certificates of clients, or the PEM text itself. Left out: clients are not asked for one.',
    ),
  client_certificate: z
    .enum(['required', 'optional'])
    .optional()
    .describe(
      'Whether a client without a certificate is let in. One that client_ca does not verify never is. Left out: required.',
    ),
  handshake_timeout: field
    .duration()
    .prefault('10s')
    .describe('A connection that has not finished its TLS handshake by then is cut.'),
  reload: field
    .duration()
    .prefault('10s')
    .describe('Time between two looks at the files. Changed ones are used for new connections; 0s never looks.'),
});

const NEEDS_CA = { error: 'client_certificate needs client_ca, which verifies it', path: ['client_certificate'] };
const hasCa = ({ client_ca, client_certificate }: { client_ca?: string; client_certificate?: string }) =>
  client_certificate === undefined || client_ca !== undefined;

/** `tls` of listeners and of the admin port. */
export const serverTlsSchema = settings
  .refine(hasCa, NEEDS_CA)
  .describe('TLS 1.2 and 1.3 with this certificate; without it the port is not encrypted.');

/** `tls` of the Kafka Connect REST API, whose gateways also call each other. */
export const connectTlsSchema = settings
  .extend({
    ca: pem()
      .optional()
      .describe(
        'Path of a PEM file with the authorities that verify the other gateways of the cluster, or the PEM text itself; those of the system where it is left out.',
      ),
  })
  .refine(hasCa, NEEDS_CA)
  .describe(
    'TLS 1.2 and 1.3 with this certificate, which also is the certificate for calls to other gateways; without it the API is not encrypted.',
  );
