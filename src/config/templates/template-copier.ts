import { type Finding, failing, type Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';
import { type Environment, interpolate } from '../yaml/interpolate.ts';
import type { OutsideValues } from '../yaml/outside-values.ts';
import { type Arguments, wholeParameter } from '../yaml/parameters.ts';
import type { Positions, Use } from '../yaml/positions.ts';
import type { FilledVariable } from '../yaml/yaml-reader.ts';

/** What texts of templates are filled in with, besides their parameters. */
export interface Surroundings {
  readonly env: Environment;
  readonly outside: OutsideValues | undefined;
}

/** A use of a template that is being carried out. */
export interface Scope {
  readonly given: Arguments;
  readonly use: Use;
  /** Templates that are open, the innermost one last. */
  readonly names: readonly string[];
}

/** Values that templates may make in all; more is a mistake, or meant to use up memory. */
const MAX_MADE = 250_000;

/** Copies parts of templates, with parameters and variables filled in, and enters their places. */
export class TemplateCopier {
  readonly findings: Finding[] = [];
  readonly spoiled: Path[] = [];
  readonly variables: FilledVariable[] = [];
  private readonly positions: Positions;
  private readonly surroundings: Surroundings;
  private made = 0;

  constructor(positions: Positions, surroundings: Surroundings) {
    this.positions = positions;
    this.surroundings = surroundings;
  }

  /** The setting at `from` of a template for the place `to`. */
  copy(value: unknown, from: Path, to: Path, scope: Scope): unknown {
    if (!this.mayGrow(to)) return undefined;
    this.place(from, to, scope);
    if (typeof value === 'string') return this.text(value, from, to, scope);
    if (Array.isArray(value))
      return value.map((item, index) => this.copy(item, [...from, index], [...to, index], scope));
    if (!isRecord(value)) return value;
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      const name = String(this.filled(key, to, scope));
      if (name === '__proto__') this.fail(to, '"__proto__" cannot be a key; choose another name');
      else if (Object.hasOwn(made, name)) this.fail([...to, name], `${name} is here twice; keep one of them`);
      else made[name] = this.copy(inner, [...from, key], [...to, name], scope);
    }
    return made;
  }

  /** Enters where the setting at `to` is written. */
  place(from: Path, to: Path, scope: Scope): void {
    this.positions.copy(from, to, scope.use);
  }

  /** Name and parameters of a template that is used within one. */
  values(values: readonly unknown[], path: Path, scope: Scope): unknown[] {
    return values.map((value) => this.value(value, path, scope));
  }

  private value(value: unknown, path: Path, scope: Scope): unknown {
    if (typeof value === 'string') return this.filled(value, path, scope);
    if (Array.isArray(value)) return value.map((item) => this.value(item, path, scope));
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.value(inner, path, scope)]));
  }

  private text(text: string, from: Path, to: Path, scope: Scope): unknown {
    const argument = scope.given.get(wholeParameter(text) ?? '');
    if (argument === undefined) return this.filled(text, to, scope);
    this.positions.copy(from, to, scope.use, argument.text);
    return argument.value;
  }

  private filled(text: string, path: Path, { given }: Scope): unknown {
    const argument = given.get(wholeParameter(text) ?? '');
    if (argument !== undefined) return argument.value;
    const filled = interpolate(text, this.surroundings.env, this.surroundings.outside, given);
    for (const name of filled.variables) this.variables.push({ path, name, fallback: filled.defaults.get(name) });
    for (const mistake of filled.mistakes) this.fail(path, mistake);
    return filled.text;
  }

  /** Whether there is room for one value more; a finding where there is not. */
  mayGrow(path: Path): boolean {
    this.made += 1;
    if (this.made === MAX_MADE + 1)
      this.fail(path, `templates make more than ${MAX_MADE} values of this configuration`);
    return this.made <= MAX_MADE;
  }

  private fail(path: Path, message: string): void {
    this.spoiled.push(path);
    this.findings.push(failing(path, message));
  }
}
