import type { ComponentSpec, Reference } from '../../sdk/define.ts';
import type { Registry } from '../../sdk/registry.ts';
import { parseSettings } from '../problem/parse.ts';
import { type Finding, failing, type Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';
import { asked, editDistance, listNames, Suggestions } from '../problem/suggest.ts';
import { type Chosen, entryOf } from '../schema/component-schema.ts';
import { topicNameMistake } from '../schema/log-schema.ts';
import { entriesIn } from '../schema/step-schema.ts';
import { sinkEntries, sourceEntries } from './ends.ts';

type Kind = 'listener' | 'endpoint' | 'topic' | 'auth';
/** The names that the file has; undefined where its section is not settings by name, which is a mistake of its own. */
type Names = Readonly<Record<Kind, ReadonlySet<string> | undefined>>;

/** A name and its place. */
interface Mention {
  readonly to: Kind;
  readonly name: string;
  readonly path: Path;
  /** Whether it is a component's, whose own schema does not know what a topic may be called. */
  readonly isOfComponent?: boolean;
}

/**
 * Names of listeners, endpoints, topics and entries of `auth` that nothing in the file has, and of topics that Kafka cannot have. Looks at the file as it is, not at what a
 * schema made of it, so that a mistake elsewhere in an entry hides none of its names.
 */
export function checkReferences(value: unknown, registry: Registry): Finding[] {
  const root = record(value);
  const names: Names = {
    listener: namesIn(root.listeners),
    endpoint: namesIn(root.endpoints),
    topic: namesIn(record(root.log).topics),
    auth: namesIn(root.auth),
  };
  const suggestions = new Suggestions();
  const mentions = [
    ...mentionsOfEndpoints(root.endpoints),
    ...mentionsOfPipelines(root.pipelines, registry),
    ...['admin', 'connect'].flatMap((section) => mention('auth', record(root[section]).auth, [section, 'auth'])),
  ];
  return mentions
    .map((mention) => invalid(mention) ?? unknown(mention, names[mention.to], suggestions))
    .filter((finding) => finding !== undefined);
}

function namesIn(section: unknown): ReadonlySet<string> | undefined {
  if (section === undefined) return new Set();
  return isRecord(section) ? new Set(Object.keys(section)) : undefined;
}

function mentionsOfEndpoints(endpoints: unknown): Mention[] {
  return Object.entries(record(endpoints)).flatMap(([name, entry]) => [
    ...mention('listener', record(entry).listener, ['endpoints', name, 'listener']),
    ...mention('auth', record(entry).auth, ['endpoints', name, 'auth']),
  ]);
}

function mentionsOfPipelines(pipelines: unknown, registry: Registry): Mention[] {
  const steps = [...registry.all('processor'), ...registry.all('operator')];
  return Object.entries(record(pipelines)).flatMap(([name, entry]) => {
    const { source, processors, sink, on_error } = record(entry);
    const path = ['pipelines', name];
    return [
      ...sourceEntries(source, [...path, 'source']).flatMap((one) =>
        mentionsOfComponent(one.value, registry.all('source'), one.path),
      ),
      ...entriesIn(processors, [...path, 'processors']).flatMap((step) =>
        mentionsOfComponent(step.value, steps, step.path),
      ),
      ...sinkEntries(sink, registry, [...path, 'sink']).flatMap((one) =>
        mentionsOfComponent(one.value, registry.all('sink'), one.path),
      ),
      ...mention('topic', record(on_error).dead_letter, [...path, 'on_error', 'dead_letter']),
    ];
  });
}

function mentionsOfComponent(value: unknown, specs: readonly ComponentSpec[], path: Path): Mention[] {
  const entry = entryOf(value);
  const spec = specs.find(({ name }) => name === entry?.name);
  if (entry === undefined || spec === undefined) return [];
  const { config } = parseSettings(spec.config, entry.settings);
  if (config === undefined) return [];
  return referencesOf({ spec, config }).map(({ to, name, path: inner }) => ({
    to,
    name,
    path: [...path, spec.name, ...inner],
    isOfComponent: true,
  }));
}

function mention(to: Kind, name: unknown, path: Path): Mention[] {
  return typeof name === 'string' ? [{ to, name, path }] : [];
}

/** What a component's settings refer to. */
export function referencesOf({ spec, config }: Chosen): readonly Reference[] {
  return spec.references?.(config) ?? [];
}

function invalid({ to, name, path, isOfComponent }: Mention): Finding | undefined {
  if (to !== 'topic' || isOfComponent !== true) return undefined;
  const mistake = topicNameMistake(name);
  return mistake === undefined ? undefined : failing(path, `"${name}": ${mistake}`);
}

function unknown(
  { to, name, path }: Mention,
  known: ReadonlySet<string> | undefined,
  suggestions: Suggestions,
): Finding | undefined {
  if (known === undefined || known.has(name)) return undefined;
  const near = suggestions.suggest(name, known);
  if (to === 'topic') return mistypedTopic(name, near, path);
  const what = to === 'auth' ? 'entry of auth' : to;
  const all =
    known.size === 0
      ? `the file has no ${to === 'auth' ? 'auth' : `${to}s`}`
      : `there ${known.size === 1 ? 'is' : 'are'} ${listNames(known)}`;
  return failing(path, `there is no ${what} "${name}"; ${all}${asked(near)}`);
}

/** A topic needs no entry under `log.topics`, so only one that looks like a slip of the finger is a mistake. */
function mistypedTopic(name: string, near: string | undefined, path: Path): Finding | undefined {
  if (near === undefined || editDistance(near, name) > 2) return undefined;
  return failing(
    path,
    `there is no topic "${name}" under log.topics; did you mean "${near}"? (if not, list it there too)`,
  );
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
