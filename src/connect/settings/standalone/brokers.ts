import { ownEntry } from '../../../core/own-entry.ts';
import { COMPRESSIONS } from '../../../transports/kafka/compression/compression.ts';
import { readBroker } from '../../../transports/kafka/connection/broker-address.ts';
import type { KafkaSettings } from '../../../transports/kafka/connection/schema.ts';
import type { SettingsFile } from './settings-file.ts';

type Mechanism = NonNullable<KafkaSettings['sasl']>['mechanism'];

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];
const MECHANISMS: Readonly<Record<string, Mechanism>> = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram-sha-256',
  'SCRAM-SHA-512': 'scram-sha-512',
};

/** Settings of a worker that say how brokers are reached, as our `log` has them. What is wrong is a problem of the file. */
export function kafkaOf(worker: SettingsFile): object {
  const brokers = brokersOf(worker);
  const clientId = worker.text('client.id');
  const protocol = (worker.text('security.protocol') ?? 'PLAINTEXT').toUpperCase();
  if (!PROTOCOLS.includes(protocol))
    worker.fail('security.protocol', `expected one of ${PROTOCOLS.join(', ')}, got ${protocol}`);
  return {
    driver: 'kafkajs',
    brokers,
    ...(clientId === undefined ? {} : { client_id: clientId }),
    ...(protocol.endsWith('SSL') ? { ssl: tlsOf(worker) } : {}),
    ...(protocol.startsWith('SASL') ? { sasl: saslOf(worker) } : {}),
    ...compressionOf(worker),
  };
}

function compressionOf(worker: SettingsFile): object {
  const key = 'producer.compression.type';
  const compression = worker.text(key)?.toLowerCase();
  if (compression === undefined) return {};
  if (COMPRESSIONS.some((name) => name === compression)) return { compression };
  const names = COMPRESSIONS.join(', ');
  if (compression === 'zstd')
    worker.warn(key, `zstd is not written here, so nothing is compressed; there are ${names}`);
  else worker.fail(key, `expected one of ${names}, got ${compression}`);
  return {};
}

/** As Kafka's clients read addresses (org.apache.kafka.clients.ClientUtils): what comes before :// does not count. */
function brokersOf(worker: SettingsFile): string[] {
  const given = worker.text('bootstrap.servers');
  if (given === undefined) worker.fail('bootstrap.servers', 'is missing: the brokers as host:port, with commas');
  const brokers = (given ?? '').split(',').map((address) => address.trim());
  return brokers
    .filter((address) => address !== '')
    .flatMap((address) => {
      const plain = address.replace(/^[\w.%-]*:\/\//, '');
      const broker = readBroker(plain);
      if (typeof broker === 'string') worker.fail('bootstrap.servers', broker);
      return typeof broker === 'string' ? [] : [plain];
    });
}

function tlsOf(worker: SettingsFile): object {
  const trusted = pemOf(worker, 'ssl.truststore');
  const own = pemOf(worker, 'ssl.keystore');
  if (worker.settings['ssl.endpoint.identification.algorithm']?.trim() === '')
    worker.warn(
      'ssl.endpoint.identification.algorithm',
      "brokers' names are always checked against their certificates",
    );
  return {
    ...(trusted === undefined ? {} : { ca: trusted }),
    // A PEM keystore has the certificate and its key in one file.
    ...(own === undefined ? {} : { cert: own, key: own }),
  };
}

function pemOf(worker: SettingsFile, store: string): string | undefined {
  const file = worker.text(`${store}.location`);
  if (file === undefined) return undefined;
  const type = worker.text(`${store}.type`) ?? 'JKS';
  if (type.toUpperCase() !== 'PEM')
    worker.fail(
      `${store}.type`,
      `${type} cannot be read here, PEM can; openssl pkcs12 makes PEM files of PKCS12, and keytool -importkeystore PKCS12 of JKS`,
    );
  if (worker.text('ssl.key.password') !== undefined)
    worker.fail('ssl.key.password', 'a key with a password cannot be read; give one without');
  return file;
}

/** `...PlainLoginModule required username="us" password="geheim";` */
function saslOf(worker: SettingsFile): object {
  const mechanism = worker.text('sasl.mechanism') ?? 'GSSAPI';
  const known = ownEntry(MECHANISMS, mechanism);
  if (known === undefined)
    worker.fail('sasl.mechanism', `expected one of ${Object.keys(MECHANISMS).join(', ')}, got ${mechanism}`);
  const jaas = worker.text('sasl.jaas.config') ?? '';
  const [username, password] = ['username', 'password'].map((name) => jaasValue(jaas, name));
  if (username === undefined || password === undefined)
    worker.fail('sasl.jaas.config', 'expected a login module with username="..." and password="..."');
  return { mechanism: known ?? 'plain', username: username ?? '', password: password ?? '' };
}

function jaasValue(jaas: string, name: string): string | undefined {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`).exec(jaas);
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2];
}
