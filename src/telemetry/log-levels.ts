/** From the most talkative one. */
export const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type Level = (typeof LEVELS)[number];

interface ScopeLevel {
  level: Level;
  /** Milliseconds since the epoch; null while it is as the gateway was started. */
  modifiedAt: number | null;
}

/** Which lines are written, by the part of the gateway that speaks. Can be changed while it runs. */
export class LogLevels {
  private readonly root: ScopeLevel;
  private readonly scopes = new Map<string, ScopeLevel>();
  private readonly isTalkative: (scope: string) => boolean;

  /** `isTalkative`: scopes whose debug lines are written whatever the level is. */
  constructor(level: Level, isTalkative: (scope: string) => boolean) {
    this.root = { level, modifiedAt: null };
    this.isTalkative = isTalkative;
  }

  /** A scope speaks up for the first time. */
  register(scope: string): void {
    if (this.scopes.has(scope)) return;
    const { level, modifiedAt } = this.root;
    this.scopes.set(scope, { level: this.isTalkative(scope) ? 'debug' : level, modifiedAt });
  }

  allows(scope: string | undefined, level: Level): boolean {
    const { level: least } = (scope === undefined ? undefined : this.scopes.get(scope)) ?? this.root;
    return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
  }

  get all(): ReadonlyMap<string, Readonly<ScopeLevel>> {
    return this.scopes;
  }

  get rootLevel(): Readonly<ScopeLevel> {
    return this.root;
  }

  /** Returns the scopes that have another level now; undefined means the root and all scopes. */
  set(scope: string | undefined, level: Level, now: number): string[] {
    if (scope !== undefined) this.register(scope);
    if (scope === undefined) Object.assign(this.root, { level, modifiedAt: now });
    const changed = [...this.scopes].filter(([name, one]) => one.level !== level && (scope ?? name) === name);
    for (const [, one] of changed) Object.assign(one, { level, modifiedAt: now });
    return changed.map(([name]) => name);
  }
}
