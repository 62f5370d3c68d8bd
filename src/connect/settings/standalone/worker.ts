import { hostMistake } from '../../../core/address.ts';
import { converterOf } from '../converters.ts';
import type { FlatConfig } from '../definition.ts';
import { kafkaOf } from './brokers.ts';
import type { SettingsFile } from './settings-file.ts';

/** Settings of a worker that its connectors have where they have none of their own. */
const DEFAULTS = ['key.converter', 'value.converter', 'value.converter.schemas.enable'];

const KNOWN = new Set([
  ...DEFAULTS,
  'bootstrap.servers',
  'client.id',
  'security.protocol',
  'sasl.mechanism',
  'sasl.jaas.config',
  'ssl.truststore.location',
  'ssl.truststore.type',
  'ssl.keystore.location',
  'ssl.keystore.type',
  'ssl.key.password',
  'ssl.endpoint.identification.algorithm',
  'listeners',
  'rest.port',
  'rest.host.name',
  'rest.advertised.host.name',
  'rest.advertised.port',
  'access.control.allow.origin',
  'access.control.allow.methods',
  'offset.storage.file.filename',
  'producer.compression.type',
]);

/** Settings of Kafka Connect that are ignored here. */
const IGNORED: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^key\.converter\.schemas\.enable$/, 'keys are text, without a schema, whichever converter is chosen'],
  [/^offset\.flush\./, 'offsets are saved within a second of their change, and at the end'],
  [/^plugin\.(path|discovery)$/, 'the classes of connectors are built in'],
  [/^(producer|consumer|admin)\./, 'what is set without that prefix holds for everything that is written and read'],
  [/^(group\.id|(config|offset|status)\.storage\.(?!file))/, 'a standalone worker shares nothing with others'],
];

const PORT = 8_083;
const LISTENER = /^http:\/\/(\[[\w.:%-]+\]|[\w.%-]*):(\d+)\/?$/i;

/** A gateway as a worker's properties describe it. Mistakes and ignored settings are problems of the file. */
export interface Worker {
  /** Of the gateway: `log` and `connect`. */
  readonly settings: { readonly log: object; readonly connect: object };
  readonly defaults: FlatConfig;
  /** Directory for offsets and statuses. */
  readonly directory: string;
}

export function workerOf(file: SettingsFile): Worker {
  const defaults = defaultsOf(file);
  const worker = {
    settings: { log: kafkaOf(file), connect: { ...addressOf(file), defaults } },
    defaults,
    directory: directoryOf(file),
  };
  warnOfIgnored(file);
  return worker;
}

/** Connect keeps a file of its own format under that name, so ours is beside it. */
function directoryOf(file: SettingsFile): string {
  const name = file.text('offset.storage.file.filename');
  if (name === undefined) file.fail('offset.storage.file.filename', 'is missing: where offsets are kept');
  return `${name}.tidegate`;
}

function defaultsOf(file: SettingsFile): FlatConfig {
  const given = DEFAULTS.flatMap((key) => {
    const value = file.text(key);
    return value === undefined ? [] : [[key, value] as const];
  });
  for (const key of ['key.converter', 'value.converter']) {
    const value = file.text(key);
    if (value !== undefined && converterOf(value) === undefined) file.fail(key, `there is no converter ${value}`);
  }
  const flag = file.text('value.converter.schemas.enable');
  if (flag !== undefined && !/^(true|false)$/i.test(flag))
    file.fail('value.converter.schemas.enable', `expected true or false, got ${flag}`);
  return Object.fromEntries(given);
}

function addressOf(file: SettingsFile): object {
  const { host, port } = listenerOf(file) ?? {
    host: hostOf(file, 'rest.host.name'),
    port: portOf(file, 'rest.port') ?? PORT,
  };
  const seenAs = hostOf(file, 'rest.advertised.host.name');
  const seenAt = portOf(file, 'rest.advertised.port') ?? port;
  const origins = file.text('access.control.allow.origin');
  const methods = file.text('access.control.allow.methods');
  return {
    port,
    ...(origins === undefined ? {} : { access_control_allow_origin: origins }),
    ...(methods === undefined ? {} : { access_control_allow_methods: methods }),
    ...(host === undefined ? {} : { host }),
    ...(seenAs === undefined
      ? {}
      : { advertised: `http://${seenAs.includes(':') ? `[${seenAs}]` : seenAs}:${seenAt}` }),
  };
}

/** `http://host:port`; without a host all addresses are meant, as in Connect. */
function listenerOf(file: SettingsFile): { host: string; port: number } | undefined {
  const given = file.text('listeners');
  if (given === undefined) return undefined;
  const [, host, port] = LISTENER.exec(given) ?? [];
  if (host === undefined || Number(port) > 65_535)
    file.fail('listeners', `expected one listener such as http://localhost:8083, got ${given}`);
  return { host: host?.replace(/^\[|\]$/g, '') || '0.0.0.0', port: host === undefined ? PORT : Number(port) };
}

function hostOf(file: SettingsFile, key: string): string | undefined {
  const given = file.text(key);
  const mistake = given === undefined ? undefined : hostMistake(given);
  if (mistake !== undefined) file.fail(key, mistake);
  return given;
}

function portOf(file: SettingsFile, key: string): number | undefined {
  const given = file.text(key);
  if (given === undefined) return undefined;
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given);
  file.fail(key, `expected a port, got ${given}`);
  return undefined;
}

function warnOfIgnored(file: SettingsFile): void {
  const others = Object.keys(file.settings).filter((key) => !KNOWN.has(key));
  const unknown: string[] = [];
  for (const key of others) {
    const [, why] = IGNORED.find(([pattern]) => pattern.test(key)) ?? [];
    if (why === undefined) unknown.push(key);
    else file.warn(key, `is ignored here: ${why}`);
  }
  if (unknown.length > 0) file.warn(unknown.join(', '), 'unknown, and ignored');
}
