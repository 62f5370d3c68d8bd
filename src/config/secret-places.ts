import { isSecretName, secretsOfUrl, withoutSecrets } from '../core/secrets.ts';
import { secretSettings } from './lint/lint-secrets.ts';
import type { Path } from './problem/problem.ts';
import type { JsonSchema } from './schema/walk-settings.ts';
import type { Source } from './yaml/yaml-source.ts';

/** What is a file's or a command's: `file:/path`, `exec:/path words`. */
export function isOutside(variable: string): boolean {
  return /^(?:file|exec):\//.test(variable);
}

/** Says of a setting whether its value may be printed: not what a schema or a name says to be secret, nor what comes from a file or a command. */
export function secretPlaces(schema: JsonSchema, { value, variables }: Source): (path: Path) => boolean {
  const hidden = new Set(secretSettings(schema, value).map(({ path }) => path.join('\0')));
  for (const { path, name } of variables) if (isOutside(name) || isSecretName(name)) hidden.add(path.join('\0'));
  return (path) => hidden.has(path.join('\0'));
}

/** A value that may be printed, without what is secret in a URL. Expressions are made of each message, and stay. */
export function printable(value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('://')) return value;
  return withoutSecrets(
    value,
    secretsOfUrl(value).filter((secret) => !secret.includes('${!')),
  );
}
