import { secretSettings } from '../../config/lint-secrets.ts';
import type { Path } from '../../config/problem.ts';
import type { JsonSchema } from '../../config/walk-settings.ts';
import type { Source } from '../../config/yaml-source.ts';
import { isSecretName, secretsOfUrl, withoutSecrets } from '../../core/secrets.ts';

export const HIDDEN = '***';

/** What is a file's or a command's: `file:/path`, `exec:/path words`. */
export function isOutside(variable: string): boolean {
  return /^(?:file|exec):\//.test(variable);
}

/** Says of a setting whether its value may be printed: not what a schema or a name says to be secret, nor what comes from a file or a command. */
export function secretPlaces(schema: JsonSchema, { value, variables }: Source): (path: Path) => boolean {
  const hidden = new Set(secretSettings(schema, value).map(({ path }) => JSON.stringify(path)));
  for (const { path, name } of variables) if (isOutside(name) || isSecretName(name)) hidden.add(JSON.stringify(path));
  return (path) => hidden.has(JSON.stringify(path));
}

/** A value that may be printed, without what is secret in a URL. Expressions are made of each message, and stay. */
export function printable(value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('://')) return value;
  return withoutSecrets(
    value,
    secretsOfUrl(value).filter((secret) => !secret.includes('${!')),
  );
}
