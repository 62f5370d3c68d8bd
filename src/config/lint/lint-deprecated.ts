import { doubting, type Finding } from '../problem/problem.ts';
import { type JsonSchema, walkSettings } from '../schema/walk-settings.ts';

/**
 * Settings that are still understood and will not be in a later version. A schema says so, and what to use in place of the setting, by
 * `.meta(field.deprecated('use X'))`; `schema` is that of editors.
 */
export function lintDeprecated(schema: JsonSchema, value: unknown): Finding[] {
  const found = new Map<string, Finding>();
  walkSettings(schema, value, ({ rules, path }) => {
    if (rules?.deprecated !== true || path.length === 0) return;
    const message = `this setting is deprecated: ${String(rules.deprecationMessage)}`;
    found.set(JSON.stringify(path), doubting(path, message, { at: 'key' }));
  });
  return [...found.values()];
}
