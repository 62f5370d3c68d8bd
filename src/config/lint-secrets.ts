import { isSecretName } from '../core/secrets.ts';
import { doubting, type Finding, type Path } from './problem.ts';
import { type JsonSchema, walkSettings } from './schema-walk.ts';

/** A URL with a user and a password in it. */
const USER_INFO = /^[a-z][\w+.-]*:\/\/[^/?#\s@]*:[^/?#\s@]+@/i;

/**
 * Secrets that are written into the file itself, where everyone who may read it has them. Settings that hold secrets are marked
 * in their schemas (`writeOnly`); of names that users choose, such as those of headers, the name says it. `schema` is that of
 * editors, `isFilled` whether a setting has a variable in it.
 */
export function lintSecrets(schema: JsonSchema, value: unknown, isFilled: (path: Path) => boolean): Finding[] {
  const found = new Map<string, Finding>();
  walkSettings(schema, value, false, (rules, { value: here, path, freeName }, isWithin) => {
    const isMarked = isWithin || rules?.writeOnly === true || (freeName !== undefined && isSecretName(freeName));
    if (typeof here === 'string' && (isMarked || USER_INFO.test(here)) && isLiteral(here) && !isFilled(path))
      found.set(JSON.stringify(path), literal(path));
    return isMarked;
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
