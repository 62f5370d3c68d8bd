import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { Authority, CertificateFolder } from '../helpers/certificates.ts';
import { freePort } from '../helpers/gateway-process.ts';
import { type KafkaService, requireOwnKafka } from './kafka.ts';

const MODULES = 'org.apache.kafka.common.security';
export const USER = 'gateway';
export const PASSWORD = 'geheim-1';
const KEY_ID = 'key-1';
const AUDIENCE = 'kafka';
const ISSUER = 'https://id.test/';

/** A real Kafka with a port for each way to be secure; all of them show a certificate of `authority` for localhost. */
export interface SecureKafka {
  readonly kafka: KafkaService;
  readonly authority: Authority;
  /** `localhost:port`. SASL over TLS, with all four mechanisms. */
  readonly sasl: string;
  /** The same with sessions that end after some seconds. */
  readonly short: string;
  /** TLS that asks for a certificate. */
  readonly mutual: string;
  /** A JSON Web Token that the broker verifies, valid for so many seconds. */
  token(seconds: number): string;
}

/** Seconds of a session at the port `short`. */
export const SHORT_SESSION = 4;

export async function requireSecureKafka(t: TestContext): Promise<SecureKafka | undefined> {
  const authority = new Authority(t);
  const folder = new CertificateFolder(t);
  const { cert, key } = authority.issue({ name: 'broker', names: 'DNS:localhost', rsa: true });
  writeFileSync(folder.path('broker.pem'), key + cert);
  const signer = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwk = { ...signer.publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' };
  writeFileSync(folder.path('jwks.json'), JSON.stringify({ keys: [jwk] }));
  const ports = { plain: await freePort(), controller: await freePort(), sasl: await freePort() };
  const [short, mutual] = [await freePort(), await freePort()];
  const keys = `file://${folder.path('jwks.json')}`;
  const kafka = await requireOwnKafka(t, {
    port: ports.plain,
    scram: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((kind) => `${kind}=[name=${USER},password=${PASSWORD}]`),
    jvm: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${keys}`],
    properties: {
      'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
      listeners: [
        `PLAINTEXT://127.0.0.1:${ports.plain}`,
        `CONTROLLER://127.0.0.1:${ports.controller}`,
        `SECURE://127.0.0.1:${ports.sasl}`,
        `SHORT://127.0.0.1:${short}`,
        `MUTUAL://127.0.0.1:${mutual}`,
      ].join(),
      'advertised.listeners': [
        `PLAINTEXT://127.0.0.1:${ports.plain}`,
        `SECURE://localhost:${ports.sasl}`,
        `SHORT://localhost:${short}`,
        `MUTUAL://localhost:${mutual}`,
      ].join(),
      'listener.security.protocol.map':
        'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,SHORT:SASL_SSL,MUTUAL:SSL',
      'group.initial.rebalance.delay.ms': '0',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': folder.path('broker.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': authority.file,
      'listener.name.mutual.ssl.client.auth': 'required',
      ...saslOf('secure'),
      ...saslOf('short'),
      // By default the broker of Kafka 4.1.0 takes the validator for clients, which verifies no signature.
      'sasl.oauthbearer.jwt.validator.class': `${MODULES}.oauthbearer.BrokerJwtValidator`,
      'sasl.oauthbearer.jwks.endpoint.url': keys,
      'sasl.oauthbearer.expected.audience': AUDIENCE,
      'sasl.oauthbearer.expected.issuer': ISSUER,
      // By default a token is taken for 30 s after its end.
      'sasl.oauthbearer.clock.skew.seconds': '0',
      'listener.name.short.connections.max.reauth.ms': String(SHORT_SESSION * 1_000),
    },
  });
  if (kafka === undefined) return undefined;
  return {
    ...{ kafka, authority, sasl: `localhost:${ports.sasl}` },
    ...{ short: `localhost:${short}`, mutual: `localhost:${mutual}` },
    token: (seconds) => signedToken(signer.privateKey, seconds),
  };
}

function saslOf(listener: string): Record<string, string> {
  const name = `listener.name.${listener}`;
  return {
    [`${name}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${name}.plain.sasl.jaas.config`]: `${MODULES}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
    [`${name}.scram-sha-256.sasl.jaas.config`]: `${MODULES}.scram.ScramLoginModule required;`,
    [`${name}.scram-sha-512.sasl.jaas.config`]: `${MODULES}.scram.ScramLoginModule required;`,
    [`${name}.oauthbearer.sasl.jaas.config`]: `${MODULES}.oauthbearer.OAuthBearerLoginModule required;`,
    [`${name}.oauthbearer.sasl.server.callback.handler.class`]: `${MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
  };
}

function signedToken(key: KeyObject, seconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  const times = { iat: Math.min(now, now + seconds) - 1, exp: now + seconds };
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: USER, scope: 'kafka', jti: String(Math.random()), ...times };
  const signed = `${part({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
}
