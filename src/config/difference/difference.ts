import { type FileVersions, filesIn } from '../named-files.ts';
import { placedPipelines } from '../pipelines/channel-feeds.ts';
import { endsOf } from '../pipelines/ends.ts';
import { endpointsOf } from '../pipelines/pipeline-uses.ts';
import type { GatewayConfig, PipelineConfig } from '../schema/schema.ts';
import { changedSettings, describeChange, type IsSecret, type SettingChange } from './changed-settings.ts';
import { isSame } from './same-settings.ts';

/** A configuration, with the settings as they were given, variables filled in, where these are known. */
export interface Given {
  readonly config: GatewayConfig;
  readonly source?: { readonly value: unknown };
  /** Of the files that pipelines and endpoints name. */
  readonly fileVersions?: FileVersions;
}

/**
 * What becomes of a part. `updated`: it goes on with its new settings, and so do its connections; `replaced`: it is drained, and
 * another one takes its place.
 */
export type Action = 'added' | 'updated' | 'replaced' | 'removed';

export interface Change {
  /** As `pipelines.orders-in`. */
  readonly part: string;
  readonly action: Action;
  /** Empty where only a file that it names has changed, or another part that it needs. */
  readonly settings: readonly SettingChange[];
  /** Why it is replaced though its own settings are the same. */
  readonly because?: string;
}

/** A part whose settings cannot change while the gateway runs. */
export interface Refused {
  readonly part: string;
  readonly message: string;
}

export interface ConfigDifference {
  /** The new configuration. What has not changed is the very object of the old one, so `===` tells. */
  readonly config: GatewayConfig;
  readonly changes: readonly Change[];
  readonly refused: readonly Refused[];
  /** Named parts (listeners, endpoints, pipelines, topics, entries of auth) that stay as they are. */
  readonly unchanged: number;
}

/** Settings of an endpoint that change while its connections stay; for some of them, what is connected keeps the old value. */
const IN_PLACE: ReadonlySet<string> = new Set([
  ...['origins', 'protocols', 'max_connections', 'max_payload', 'meta_headers', 'web_client'],
  ...['limits', 'in_flight', 'slow_consumer', 'ping', 'frame_timeout', 'stall_timeout'],
  ...['auth', 'allow', 'token_expiry', 'on_filtered', 'rejected'],
]);

/** Sections that are read at the start only, and why. */
const FIXED = {
  tracing: 'the exporter of traces is made at the start',
  connect: 'the connectors belong to all gateways of the cluster, and their API is opened at the start',
  memory: 'the ceilings are divided among the parts at the start',
} as const;

/** Settings of `admin` that may change. */
const OF_ADMIN: readonly string[] = ['auth', 'allowed_hosts'];

const NAMED = ['auth', 'listeners', 'endpoints', 'pipelines'] as const;

/** Plans the way from one configuration to another. Pure. */
export function differenceBetween(old: Given, next: Given, isSecret: IsSecret = () => false): ConfigDifference {
  const planner = new Planner(old, next, isSecret);
  for (const section of NAMED) planner.named(section);
  planner.topics();
  planner.whole('plugins');
  planner.whole('shutdown');
  planner.fixed();
  planner.dependents();
  return planner.result();
}

/** One line of text for operators: `pipelines.in changed (batch.count 500 -> 100); endpoints.prices added; 2 others unchanged`. */
export function describeDifference({ changes, unchanged }: Pick<ConfigDifference, 'changes' | 'unchanged'>): string {
  if (changes.length === 0) return 'nothing has changed';
  const others = unchanged === 0 ? [] : [`${unchanged} ${unchanged === 1 ? 'other' : 'others'} unchanged`];
  return [...changes.map(describe), ...others].join('; ');
}

function describe({ part, action, settings, because }: Change): string {
  // Records are never deleted, and what a topic has is not altered.
  if (action === 'removed' && part.startsWith('log.topics.')) return `${part} is not listed any more (the topic stays)`;
  if (action === 'added' || action === 'removed') return `${part} ${action}`;
  if (because !== undefined) return `${part} replaced, because ${because}`;
  const listed = settings.length === 0 ? 'a file that it names' : settings.map(describeChange).join(', ');
  return `${part} changed (${listed})`;
}

type Section = (typeof NAMED)[number];
type Entries = Readonly<Record<string, unknown>>;

class Planner {
  private readonly old: Given;
  private readonly next: Given;
  private readonly isSecret: IsSecret;
  private readonly changes: Change[] = [];
  private readonly refused: Refused[] = [];
  private readonly config: Record<string, unknown>;
  private unchanged = 0;

  constructor(old: Given, next: Given, isSecret: IsSecret) {
    this.old = old;
    this.next = next;
    this.isSecret = isSecret;
    this.config = { ...next.config };
  }

  result(): ConfigDifference {
    const { changes, refused, unchanged } = this;
    return { config: this.config as GatewayConfig, changes, refused, unchanged };
  }

  /** The entries of a section, each a part of its own. */
  named(section: Section): void {
    const { old, next } = this;
    this.config[section] = this.entries(section.split('.'), old.config[section], next.config[section], (name) =>
      this.actionFor(section, name),
    );
  }

  /** Topics of the log are made where they are missing, and what there is stays as it is. */
  topics(): void {
    const { old, next } = this;
    const topics = this.entries(['log', 'topics'], old.config.log.topics, next.config.log.topics, () => 'updated');
    this.config.log = { ...old.config.log, topics };
  }

  /** A section that is one part, and is only looked into when something happens. */
  whole(section: 'plugins' | 'shutdown'): void {
    const path = [section];
    if (this.isUnchanged(path, this.old.config[section], this.next.config[section])) {
      this.config[section] = this.old.config[section];
      return;
    }
    this.changes.push({ part: section, action: 'updated', settings: this.settingsOf(path) });
  }

  fixed(): void {
    const { log: oldLog, admin: oldAdmin } = this.old.config;
    const { log, admin } = this.next.config;
    this.fixedOf('log', { ...oldLog, topics: {} }, { ...log, topics: {} }, 'the log is opened at the start', [
      'topics',
    ]);
    const keep = Object.fromEntries(OF_ADMIN.map((name) => [name, undefined]));
    const why = 'the admin port is opened at the start';
    if (!this.fixedOf('admin', { ...oldAdmin, ...keep }, { ...admin, ...keep }, why, OF_ADMIN)) this.adminMayDiffer();
    for (const [section, reason] of Object.entries(FIXED) as [keyof typeof FIXED, string][])
      if (!this.fixedOf(section, this.old.config[section], this.next.config[section], reason))
        this.config[section] = this.old.config[section];
  }

  /**
   * A pipeline holds the endpoints that it names, and is replaced with them. The same is done where another pipeline decides whether
   * its records have positions in channels.
   */
  dependents(): void {
    const moved = new Map(
      this.changes
        .filter(({ part, action }) => part.startsWith('endpoints.') && action === 'replaced')
        .map(({ part }) => [part.slice('endpoints.'.length), part]),
    );
    const { pipelines } = this.config as GatewayConfig;
    const wasPlaced = placedPipelines(this.old.config);
    const isPlaced = placedPipelines(this.config as GatewayConfig);
    const causeOf = (name: string, pipeline: PipelineConfig) => {
      const cause = endpointsOf(endsOf(pipeline)).find((endpoint) => moved.has(endpoint));
      if (cause !== undefined) return `${moved.get(cause)} is replaced`;
      if (wasPlaced.has(name) === isPlaced.has(name)) return undefined;
      return `its records have ${isPlaced.has(name) ? 'positions in channels now' : 'no positions in channels any more'}`;
    };
    const replaced = Object.entries(pipelines).map(([name, pipeline]) => {
      const because = this.old.config.pipelines[name] === pipeline ? causeOf(name, pipeline) : undefined;
      if (because === undefined) return [name, pipeline];
      this.changes.push({ part: `pipelines.${name}`, action: 'replaced', settings: [], because });
      this.unchanged -= 1;
      return [name, { ...pipeline }];
    });
    this.config.pipelines = Object.fromEntries(replaced);
  }

  private entries(path: string[], old: Entries, next: Entries, actionFor: (name: string) => Action): Entries {
    for (const name of Object.keys(old))
      if (!Object.hasOwn(next, name))
        this.changes.push({ part: [...path, name].join('.'), action: 'removed', settings: [] });
    const kept = Object.entries(next).map(([name, entry]) => {
      const part = [...path, name].join('.');
      if (!Object.hasOwn(old, name)) this.changes.push({ part, action: 'added', settings: [] });
      else if (this.differingSettings([...path, name], old[name] as Entries, entry as Entries).length === 0) {
        this.unchanged += 1;
        return [name, old[name]];
      } else this.changes.push({ part, action: actionFor(name), settings: this.settingsOf([...path, name]) });
      return [name, entry];
    });
    return Object.fromEntries(kept);
  }

  private actionFor(section: Section, name: string): Action {
    if (section === 'auth') return 'updated';
    if (section === 'pipelines') return 'replaced';
    const { old, next } = this;
    const differing = this.differingSettings(
      [section, name],
      old.config[section][name] as Entries,
      next.config[section][name] as Entries,
    );
    if (section === 'endpoints') return differing.every((setting) => IN_PLACE.has(setting)) ? 'updated' : 'replaced';
    return this.isListenerUpdated(name, differing) ? 'updated' : 'replaced';
  }

  /** One by one, as what cannot be compared in one setting says nothing of the others. */
  private differingSettings(path: readonly string[], old: Entries, next: Entries): string[] {
    return [...new Set([...Object.keys(old), ...Object.keys(next)])].filter(
      (setting) => !this.isUnchanged([...path, setting], old[setting], next[setting]),
    );
  }

  /** The limits of a port, and whose headers it believes, are asked for with each handshake; the rest belongs to the socket that listens. */
  private isListenerUpdated(name: string, differing: readonly string[]): boolean {
    const old = this.old.config.listeners[name];
    const next = this.next.config.listeners[name];
    if (old === undefined || next === undefined) return false;
    if (!differing.every((setting) => setting === 'limits' || setting === 'trusted_proxies')) return false;
    if (differing.includes('trusted_proxies') && next.proxy_protocol !== 'off') return false;
    const { headers, handshake_timeout } = old.limits;
    return handshake_timeout === next.limits.handshake_timeout && isSame(headers, next.limits.headers, true);
  }

  private adminMayDiffer(): void {
    const { admin: old } = this.old.config;
    const { admin } = this.next.config;
    if (this.isUnchanged(['admin'], old, admin)) {
      this.config.admin = old;
      return;
    }
    this.changes.push({ part: 'admin', action: 'updated', settings: this.settingsOf(['admin']) });
  }

  /** True where it differs, which is refused. */
  private fixedOf(section: string, old: unknown, next: unknown, why: string, except: readonly string[] = []): boolean {
    const settings = this.settingsOf([section]).filter(
      ({ setting }) =>
        !except.some(
          (name) => setting === name || (/^[.[]/.test(setting.slice(name.length)) && setting.startsWith(name)),
        ),
    );
    if (isSame(old, next, this.hasSettings && settings.length === 0)) return false;
    const listed = settings.length === 0 ? '' : ` (${settings.map(describeChange).join(', ')})`;
    this.refused.push({ part: section, message: `cannot change while the gateway runs${listed}: ${why}; restart it` });
    return true;
  }

  private isUnchanged(path: readonly string[], old: unknown, next: unknown): boolean {
    const given = at(this.next.source?.value, path);
    const isGivenSame = this.hasSettings && isSame(at(this.old.source?.value, path), given, true);
    if (!isSame(old, next, isGivenSame)) return false;
    const { fileVersions: before } = this.old;
    const { fileVersions: now } = this.next;
    return filesIn(given).every((file) => before?.get(file) === now?.get(file));
  }

  private get hasSettings(): boolean {
    return this.old.source?.value !== undefined && this.next.source?.value !== undefined;
  }

  private settingsOf(path: readonly string[]): SettingChange[] {
    if (!this.hasSettings) return [];
    return changedSettings(path, at(this.old.source?.value, path), at(this.next.source?.value, path), this.isSecret);
  }
}

function at(settings: unknown, path: readonly string[]): unknown {
  let value = settings;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}
