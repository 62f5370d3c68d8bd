import { isTooDeep } from '../../core/nesting.ts';
import { isKeyLike, isSecretName, isSecretParameter } from '../../core/secrets.ts';
import { headerEntries } from './conversions.ts';
import type { SecretPlace } from './definition.ts';

/** Returns the value that replaces the one in a slot. `looksSecret`: by the slot's name, or by the value itself. */
export type Visit = (slot: string, value: string, looksSecret: boolean) => string;

/** Visits every part of a text that may be a secret by itself, and gives the text as the visits have made it. */
export function visitSlots(place: SecretPlace, text: string, secretNames: readonly string[], visit: Visit): string {
  switch (place) {
    case 'whole':
      return visit('', text, true);
    case 'url':
      return text
        .split(',')
        .map((url, index) => visitUrl(url, `${index}`, visit))
        .join(',');
    case 'headers':
      return text.trimStart().startsWith('{')
        ? visitJson(text, secretNames, visit)
        : visitHeaders(text, secretNames, visit);
    case 'json':
      return visitJson(text, [], visit);
  }
}

function visitHeaders(text: string, secretNames: readonly string[], visit: Visit): string {
  let entries: ReturnType<typeof headerEntries>;
  try {
    entries = headerEntries(text);
  } catch {
    // It cannot be read and will be refused; until then all of it is hidden.
    return visit('', text, true);
  }
  return entries
    .map(({ name, value }) => {
      const shown = visit(name.toLowerCase(), value, isSecret(name, value, secretNames));
      return `${name}:${shown.replaceAll(',', '\\,')}`;
    })
    .join(',');
}

const URL_PARTS = /^(\w+:\/\/)(?:([^/?#@]*)@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/;

function visitUrl(url: string, slot: string, visit: Visit): string {
  const match = URL_PARTS.exec(url);
  if (match === null) return url;
  const [, scheme = '', user, host = '', path = '', query, rest = ''] = match;
  const shownUser = user === undefined ? '' : `${visit(`${slot}@`, user, true)}@`;
  const shownPath = path
    .split('/')
    .map((part, index) => (part === '' ? part : visit(`${slot}/${index}`, part, isKeyLike(part))))
    .join('/');
  const shownQuery = query === undefined ? '' : `?${query.split('&').map(visitParameter).join('&')}`;
  return `${scheme}${shownUser}${host}${shownPath}${shownQuery}${rest}`;

  function visitParameter(parameter: string): string {
    const equals = parameter.indexOf('=');
    if (equals < 0) return parameter;
    const name = parameter.slice(0, equals);
    const value = parameter.slice(equals + 1);
    const looksSecret = !isExpression(value) && (isSecretParameter(name) || isKeyLike(value));
    return `${name}=${visit(`${slot}?${name}`, value, looksSecret)}`;
  }
}

function visitJson(text: string, secretNames: readonly string[], visit: Visit): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  // It is refused; until then all of it is hidden.
  if (isTooDeep(value)) return visit('', text, true);
  let hasChanged = false;
  const changed = walk(value, '', '');
  // As it was written, where nothing changed: numbers may have more digits than ours.
  return hasChanged ? JSON.stringify(changed) : text;

  function walk(inner: unknown, name: string, slot: string): unknown {
    if (Array.isArray(inner)) return inner.map((item, index) => walk(item, name, `${slot}[${index}]`));
    if (typeof inner === 'object' && inner !== null)
      return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, walk(item, key, `${slot}.${key}`)]));
    if (typeof inner !== 'string' && typeof inner !== 'number') return inner;
    const before = String(inner);
    const after = visit(slot.toLowerCase(), before, isSecret(name, before, secretNames));
    if (after === before) return inner;
    hasChanged = true;
    return after;
  }
}

/** An expression names a secret, it does not contain it. */
function isExpression(value: string): boolean {
  return /^\$\{![^}]*\}$/.test(value);
}

function isSecret(name: string, value: string, secretNames: readonly string[]): boolean {
  if (isExpression(value)) return false;
  const isNamed = secretNames.some((one) => one.toLowerCase() === name.toLowerCase());
  return isNamed || isSecretName(name) || isKeyLike(value);
}
