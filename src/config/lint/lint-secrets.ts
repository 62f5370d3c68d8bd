import { isSecretName } from '../../core/secrets.ts';
import { doubting, type Finding, type Path } from '../problem/problem.ts';
import { type JsonSchema, walkSettings } from '../schema/walk-settings.ts';

/** A URL with a user and a password in it. */
const USER_INFO = /^[a-z][\w+.-]*:\/\/[^/?#\s@]*:[^/?#\s@]+@/i;

/**
 * Secrets that are written into the file itself, where everyone who may read it has them. `schema` is that of editors, `isFilled`
 * whether a setting has a variable in it.
 */
export function lintSecrets(schema: JsonSchema, value: unknown, isFilled: (path: Path) => boolean): Finding[] {
  return secretSettings(schema, value)
    .filter(({ path, text }) => isLiteral(text) && !isFilled(path))
    .map(({ path }) => literal(path));
}

/**
 * Settings that hold secrets. They are marked in their schemas (`writeOnly`); of names that users choose, such as those of
 * headers, the name says it.
 */
export function secretSettings(schema: JsonSchema, value: unknown): { readonly path: Path; readonly text: string }[] {
  const found = new Map<string, { readonly path: Path; readonly text: string }>();
  walkSettings(schema, value, ({ value: here, path, freeNames, isWithin }) => {
    if (typeof here !== 'string') return;
    const isMarked = freeNames.some(isSecretName) || isWithin(({ writeOnly }) => writeOnly === true);
    if (isMarked || USER_INFO.test(here)) found.set(JSON.stringify(path), { path, text: here });
  });
  return [...found.values()];
}

/** An expression is made of each message, and empty text is no secret. */
function isLiteral(text: string): boolean {
  return text !== '' && !text.includes('${!');
}

function literal(path: Path): Finding {
  return doubting(
    path,
    'a secret is written here as it is; take it from a variable, ${NAME}, from a file, ${file:/path}, or from a command, ${exec:/path words}',
  );
}
