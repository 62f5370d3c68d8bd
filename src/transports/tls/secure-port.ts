import type { Server, ServerOptions } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../core/clock.ts';
import { reasonOf, TidegateError } from '../../core/errors.ts';
import { fileVersion } from '../../core/file-version.ts';
import type { ServerTls } from '../../core/server-tls.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { ExpiryAlarm } from './expiry-alarm.ts';
import { Handshakes } from './handshakes.ts';
import {
  CertificateFault,
  type CertificateSettings,
  isPem,
  readServerCertificate,
  type ServerCertificate,
} from './server-certificate.ts';

/** As the section `tls` of a port has it. */
export interface ServerTlsSettings extends CertificateSettings {
  /** Whether a client needs a certificate that `client_ca` verifies. */
  readonly client_certificate?: 'required' | 'optional' | undefined;
  /** Milliseconds. */
  readonly handshake_timeout: number;
  /** Milliseconds between two looks at the files; 0 for none. */
  readonly reload: number;
}

export interface SecurePortOptions {
  /** Where its settings are, such as `listeners.public`. */
  readonly place: string;
  readonly settings: ServerTlsSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** Mozilla's list "intermediate" (version 5.7) without DHE, which is slow and needs parameters of its own; those of TLS 1.3 come first. */
const CIPHERS = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':');

/** TLS of one port, with a certificate that is read again when its files change. */
export class SecurePort implements ServerTls {
  readonly options: ServerOptions;
  private readonly given: SecurePortOptions;
  private readonly handshakes: Handshakes;
  private readonly alarm: ExpiryAlarm;
  private certificate: ServerCertificate;
  /** Of the files as they were looked at last, whether they could be used or not. */
  private version: string | undefined;
  private server: Server | undefined;
  private isClosed = false;
  private cancelCheck: () => void = () => {};

  /** Throws TG_CONFIG_INVALID where the certificate cannot be used. */
  constructor(given: SecurePortOptions) {
    const { place, settings, logger, stats, clock } = given;
    this.given = given;
    this.certificate = readFirst(place, settings);
    this.handshakes = new Handshakes(place, logger, stats, clock);
    this.alarm = new ExpiryAlarm(given, () => this.certificate);
    for (const result of ['ok', 'failed']) stats.counter('tidegate_tls_reloads_total', { place, result });
    this.options = {
      ...contextOf(this.certificate),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: settings.handshake_timeout,
      requestCert: settings.client_ca !== undefined,
      rejectUnauthorized: settings.client_ca !== undefined && !this.isCertificateOptional,
    };
  }

  attach(server: Server): void {
    this.server = server;
    this.handshakes.watch(server, this.given.settings.client_ca !== undefined && this.isCertificateOptional);
    this.alarm.check();
    this.checkLater();
  }

  close(): void {
    this.isClosed = true;
    this.cancelCheck();
    this.alarm.close();
  }

  private get isCertificateOptional(): boolean {
    return this.given.settings.client_certificate === 'optional';
  }

  private checkLater(): void {
    const { settings, clock } = this.given;
    if (this.isClosed || settings.reload === 0) return;
    this.cancelCheck = clock.after(settings.reload, () => {
      void this.check().then(() => this.checkLater());
    });
  }

  /** Never rejects. */
  private async check(): Promise<void> {
    const version = await this.lookAtFiles();
    if (this.isClosed) return;
    this.alarm.check();
    if (version === this.version) return;
    const isFirst = this.version === undefined;
    this.version = version;
    try {
      const next = readServerCertificate(this.given.settings);
      // Since the start nothing may have changed.
      if (isFirst && areEqual(next, this.certificate)) return;
      this.server?.setSecureContext(contextOf(next));
      this.certificate = next;
      this.reloaded('ok');
      this.alarm.renewed();
    } catch (error) {
      this.reloaded('failed', error);
    }
  }

  /** Tells versions of the files apart. */
  private async lookAtFiles(): Promise<string> {
    const { cert, key, client_ca } = this.given.settings;
    const paths = [cert, key, client_ca ?? ''].filter((path) => path !== '' && !isPem(path));
    const versions = paths.map((path) => fileVersion(path).catch((error: unknown) => `none: ${reasonOf(error)}`));
    return (await Promise.all(versions)).join('\n');
  }

  private reloaded(result: 'ok' | 'failed', error?: unknown): void {
    const { place, stats, logger } = this.given;
    stats.counter('tidegate_tls_reloads_total', { place, result }).value += 1;
    const { subject, notAfter } = this.certificate;
    const facts = { place, subject, not_after: new Date(notAfter).toISOString() };
    if (result === 'ok')
      logger.info(facts, `the certificate of ${place} was read again; new connections get it, open ones stay`);
    else
      logger.warn(
        { ...facts, error: faultOf(error) },
        `the certificate of ${place} has changed and cannot be used, so the one before stays in use: ${faultOf(error)}`,
      );
  }
}

function readFirst(place: string, settings: ServerTlsSettings): ServerCertificate {
  try {
    return readServerCertificate(settings);
  } catch (error) {
    throw new TidegateError('TG_CONFIG_INVALID', `${place}.tls.${faultOf(error)}`, error);
  }
}

function faultOf(error: unknown): string {
  return error instanceof CertificateFault ? `${error.setting}: ${error.message}` : reasonOf(error);
}

/** All that `setSecureContext` sets: what is left out falls back to Node's defaults. */
function contextOf({ cert, key, clientCa }: ServerCertificate): SecureContextOptions {
  return {
    ...{ cert, key, ciphers: CIPHERS, minVersion: 'TLSv1.2', honorCipherOrder: false },
    ...(clientCa === undefined ? {} : { ca: clientCa }),
  };
}

function areEqual(one: ServerCertificate, other: ServerCertificate): boolean {
  return one.cert === other.cert && one.key === other.key && one.clientCa === other.clientCa;
}
