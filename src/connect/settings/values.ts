import type { CheckedValue } from './definition.ts';

/** The settings of a connector or task by name, read by their definitions; what is wrong counts as not given. */
export class Values {
  private readonly values: ReadonlyMap<string, CheckedValue>;

  constructor(checked: readonly CheckedValue[]) {
    this.values = new Map(checked.map((one) => [one.definition.name, one]));
  }

  has(name: string): boolean {
    return this.setting(name) !== undefined;
  }

  /** As its conversion made it. */
  setting(name: string): unknown {
    return this.values.get(name)?.setting;
  }

  text(name: string): string | undefined {
    const value = this.setting(name);
    return value === undefined ? undefined : String(value);
  }

  flag(name: string): boolean {
    return this.setting(name) === true;
  }

  /** The default where what was given is wrong. Throws for a name without a default. */
  number(name: string): number {
    const value = this.setting(name) ?? this.values.get(name)?.definition.default;
    if (value === undefined || value === null) throw new TypeError(`${name} is not a number and has no default`);
    return Number(value);
  }

  list(name: string): readonly string[] {
    return this.settings(name).map(String);
  }

  /** One setting or a list of them; empty where there is none. */
  settings(name: string): readonly unknown[] {
    const value = this.setting(name);
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [value];
  }
}
