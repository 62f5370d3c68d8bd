import { ownEntry } from '../../core/own-entry.ts';
import { isSecretName } from '../../core/secrets.ts';
import { type Definition, type FlatConfig, HIDDEN, type SecretPlace } from './definition.ts';
import { definitionsOf } from './examine.ts';
import { pluginOf, plugins } from './plugins.ts';
import { type Visit, visitSlots } from './slots.ts';

/** The settings as they may be shown. */
export function masked(config: FlatConfig): FlatConfig {
  return overSecrets(config, (_key, text, through) =>
    through(text, (_slot, value, looksSecret) => (looksSecret && value !== '' ? HIDDEN : value)),
  );
}

/** The settings with what is hidden in them as `stored` has it: a client that sends back what it was shown changes no secret. */
export function unmasked(config: FlatConfig, stored: FlatConfig): FlatConfig {
  const shown = masked(stored);
  return overSecrets(config, (key, text, through) => {
    const before = ownEntry(stored, key);
    if (before === undefined || before === null || !text.includes(HIDDEN)) return text;
    if (text === shown[key]) return before;
    const secrets = new Map<string, string>();
    through(before, (slot, value) => {
      secrets.set(slot, value);
      return value;
    });
    return through(text, (slot, value) => (value === HIDDEN ? (secrets.get(slot) ?? value) : value));
  });
}

/** Settings that still contain a hidden value for which nothing is stored. */
export function hiddenLeft(config: FlatConfig): string[] {
  const left = new Set<string>();
  overSecrets(config, (key, text, through) => {
    // All of it, also where it should be JSON or a URL.
    if (text === HIDDEN) left.add(key);
    return through(text, (_slot, value) => {
      if (value === HIDDEN) left.add(key);
      return value;
    });
  });
  return [...left];
}

/** Settings that `masked` hides something of. */
export function secretKeys(config: FlatConfig): ReadonlySet<string> {
  const secret = new Set<string>();
  overSecrets(config, (key, text, through) =>
    through(text, (_slot, value, looksSecret) => {
      if (looksSecret && value !== '') secret.add(key);
      return value;
    }),
  );
  return secret;
}

type Change = (key: string, text: string, through: (text: string, visit: Visit) => string) => string;

function overSecrets(config: FlatConfig, change: Change): FlatConfig {
  const plugin = pluginOf(config['connector.class']?.trim() ?? '');
  // A connector with a misspelled class has the settings of one of ours.
  const known = (plugin === undefined ? plugins : [plugin]).flatMap((one) => definitionsOf(one, config));
  const definitions = new Map(known.map((one) => [one.name, one]));
  const secretNames = (config['websocket.headers.secret'] ?? '').split(',').map((name) => name.trim());
  return Object.fromEntries(
    Object.entries(config).map(([key, text]) => {
      const place = text === null ? undefined : placeOf(key, text, definitions.get(key));
      if (place === undefined || text === null) return [key, text];
      return [key, change(key, text, (inner, visit) => visitSlots(place, inner, secretNames, visit))];
    }),
  );
}

/** An unknown setting is hidden if its name looks like a secret's; in a URL only the secrets are hidden. */
function placeOf(key: string, text: string, definition: Definition | undefined): SecretPlace | undefined {
  if (definition !== undefined) return definition.secrets;
  if (isSecretName(key)) return 'whole';
  return /^\w+:\/\//.test(text) ? 'url' : undefined;
}
