import type { Problem, Severity } from '../../../config/problem/problem.ts';
import type { FlatConfig } from '../definition.ts';

/** The settings of a file of Kafka Connect, with the places of their mistakes. */
export class SettingsFile {
  readonly name: string;
  readonly settings: FlatConfig;
  readonly problems: Problem[] = [];
  /** Line by key, from 1; empty if the file does not have properties. */
  private readonly lines: ReadonlyMap<string, number>;

  constructor(name: string, settings: FlatConfig, lines: ReadonlyMap<string, number> = new Map()) {
    this.name = name;
    this.settings = settings;
    this.lines = lines;
  }

  /** Trimmed; undefined if it is not given or empty. */
  text(key: string): string | undefined {
    return this.settings[key]?.trim() || undefined;
  }

  fail(key: string, message: string, line?: number): void {
    this.add('error', key, message, line);
  }

  warn(key: string, message: string): void {
    this.add('warning', key, message);
  }

  private add(severity: Severity, path: string, message: string, given?: number): void {
    const line = given ?? this.lines.get(path) ?? 0;
    this.problems.push({ severity, code: 'TG_CONFIG_INVALID', file: this.name, line, column: 1, path, message });
  }
}
