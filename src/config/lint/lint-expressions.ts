import { ownEntry } from '../../core/own-entry.ts';
import type { Expression } from '../../sdk/expression.ts';
import { OPTIONAL_META } from '../../sdk/missing-values.ts';
import { ROOTS } from '../../sdk/roots.ts';
import { allSinksOf, endsOf, sourcesOf } from '../pipelines/ends.ts';
import { endpointsOf } from '../pipelines/pipeline-uses.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import { didYouMean } from '../problem/suggest.ts';
import type { Chosen } from '../schema/component-schema.ts';
import type { ParsedConfig, PipelineConfig } from '../schema/schema.ts';
import { componentsIn } from '../schema/step-schema.ts';
import { accessExpressions, paramsOf } from './lint-access.ts';

/** An expression of the file and where it is. */
interface Placed {
  readonly expression: Expression;
  readonly path: Path;
  /** Whether it is in an answer that is not sent without its value. */
  readonly isInAnswer: boolean;
}

/** Expressions that do what they say, which may not be what was meant. */
export function lintExpressions(config: ParsedConfig): Finding[] {
  return Object.entries(config.pipelines).flatMap(([name, pipeline]) => {
    const path = ['pipelines', name];
    const known = metaOf(pipeline, config);
    const all = [
      ...sourcesOf(pipeline, path),
      ...componentsIn(pipeline.processors, [...path, 'processors']),
      ...allSinksOf(pipeline, path),
    ].flatMap(({ chosen, path: at }) => expressionsOf(chosen, at));
    return [...all, ...newestOf(pipeline, config)].flatMap((placed) => findingsOf(placed, known));
  });
}

/**
 * Texts of the file with `${! }` in them that nothing evaluates: they would be taken as they are, dollar sign and all.
 * `source`: the file as it was read. Settings of connectors (`connect.defaults`) are evaluated with the connectors that take them.
 */
export function lintUnevaluated(config: ParsedConfig, source: unknown): Finding[] {
  const evaluated = new Set([
    ...Object.values(config.pipelines).flatMap((pipeline) =>
      [...endsOf(pipeline), ...componentsIn(pipeline.processors, [])].flatMap(({ chosen }) =>
        expressionsOf(chosen, []).map(({ expression }) => expression.text),
      ),
    ),
    ...Object.values(config.endpoints).flatMap((endpoint) => [
      ...accessExpressions(endpoint, []).map(({ expression }) => expression.text),
      ...(endpoint.slow_consumer.key === undefined ? [] : [endpoint.slow_consumer.key.text]),
    ]),
  ]);
  // A list may be one text with commas.
  const isEvaluated = (text: string) =>
    evaluated.has(text) ||
    (text.includes(',') && text.split(',').every((part) => !part.includes('${!') || evaluated.has(part.trim())));
  return textsIn(source, []).flatMap(({ text, path }) =>
    text.includes('${!') && path[0] !== 'connect' && !isEvaluated(text)
      ? [
          failing(
            path,
            `"${text}" is not evaluated here: this is the same for all messages; write text without \${! }, or $\${! for the characters themselves`,
          ),
        ]
      : [],
  );
}

/** What the endpoints that a pipeline feeds evaluate of its records. */
function newestOf(pipeline: PipelineConfig, { endpoints }: ParsedConfig): Placed[] {
  return endpointsOf(allSinksOf(pipeline, [])).flatMap((name) => {
    const expression = ownEntry(endpoints, name)?.slow_consumer.key;
    const path = ['endpoints', name, 'slow_consumer', 'key'];
    return expression === undefined ? [] : [{ expression, path, isInAnswer: false }];
  });
}

function findingsOf(placed: Placed, known: readonly string[] | undefined): Finding[] {
  const { expression, path } = placed;
  const { text, reads, doubts } = expression;
  if (!text.includes('${!') && MEANT_AS_EXPRESSION.test(text))
    return [
      doubting(path, `"${text}" is this text for every message; what is to be evaluated is written "\${! ... }"`),
    ];
  const strangers = reads.flatMap(({ path: [root, name] }) => {
    if (known === undefined) return [];
    if (root === 'auth' || (root === 'meta' && name === 'auth'))
      return known.includes('auth') ? [] : [doubting(path, NO_AUTH)];
    return root === 'meta' && name !== undefined && !known.includes(name)
      ? [doubting(path, `the source of this pipeline never has meta.${name}${didYouMean(name, known) || has(known)}`)]
      : [];
  });
  const doubtful = doubts.map(({ severity, message }): Finding => ({ severity, path, message }));
  return [...strangers, ...doubtful, ...missing(placed)];
}

const NO_AUTH =
  'the source of this pipeline never has auth: only messages of clients have it, at an endpoint whose setting auth says who they are';

/** A path somewhere in it, a call of a function, or the braces of other tools: `json.id`, `$now()`, `{{ id }}`, `{! id }`. */
const MEANT_AS_EXPRESSION = new RegExp(
  `\\b(?:${ROOTS.join('|')})[.[][A-Za-z_\\d]|^\\$[a-zA-Z]+\\(|\\{\\{.*\\}\\}|\\{!`,
);

function has(known: readonly string[]): string {
  return known.length === 0 ? '; it has no meta' : `; it has ${known.map((name) => `meta.${name}`).join(', ')}`;
}

/** Values without which there is no text at all. */
function missing({ expression: { text, reads }, path, isInAnswer }: Placed): Finding[] {
  const names = reads
    .filter(({ isWithinText, path: [root, name = ''] }) => (isWithinText || isInAnswer) && isOpen(root, name))
    .map(({ path: steps }) => steps.join('.'));
  if (names.length === 0) return [];
  const which = [...new Set(names)].join(' or ');
  const outcome = isInAnswer ? 'and no answer is sent' : outcomeAt(path);
  return [{ severity: 'note', path, message: `for a message without ${which}, "${text}" has no value ${outcome}` }];
}

function outcomeAt(path: Path): string {
  const [name, setting] = path.slice(-2);
  if (name === 'slow_consumer') return 'and no newer one takes its place';
  if (setting === 'by' || (name === 'topic' && setting === 'name')) return 'and the message fails';
  return name === 'lookup' || name === 'http' ? 'and it is a miss' : 'and is left out';
}

const OPEN = new Set(['json', 'headers', 'headers_all', 'key']);

function isOpen(root: string | undefined, name: string): boolean {
  return OPEN.has(root ?? '') || (root === 'meta' && OPTIONAL_META.has(name));
}

/** Names in `meta` of the messages of a pipeline; undefined where one of its sources does not say. */
function metaOf(pipeline: PipelineConfig, { endpoints }: ParsedConfig): readonly string[] | undefined {
  const sources = sourcesOf(pipeline);
  const read = endpointsOf(sources).flatMap((name) => ownEntry(endpoints, name) ?? []);
  const known = sources.map(({ chosen }) => chosen.spec.meta);
  if (known.some((names) => names === undefined)) return undefined;
  const hasAuth = read.some(({ auth }) => auth !== undefined);
  const names = known.flatMap((some) => some ?? []).filter((name) => name !== 'auth' || hasAuth);
  const mayPublish = read.some(({ allow }) => (allow?.publish.length ?? 0) > 0);
  const ofCodecs = read.flatMap(({ codec }) => codec.spec.meta ?? []);
  return [...names, ...ofCodecs, ...(mayPublish ? ['channel'] : []), ...read.flatMap(paramsOf)];
}

function expressionsOf({ spec, config }: Chosen, path: Path): Placed[] {
  return expressionsIn(config, [...path, spec.name]);
}

function expressionsIn(value: unknown, path: Path): Placed[] {
  if (isExpression(value)) return [{ expression: value, path, isInAnswer: false }];
  if (typeof value === 'function' && 'expressions' in value) {
    const isInAnswer = 'needsAll' in value && value.needsAll === true;
    return (value.expressions as readonly Expression[]).map((expression) => ({ expression, path, isInAnswer }));
  }
  if (typeof value !== 'object' || value === null || isComponent(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    expressionsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function isExpression(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && 'evaluate' in value && 'reads' in value;
}

/** A sink within another one, which is looked at by itself. */
function isComponent(value: object): boolean {
  return 'spec' in value && 'config' in value;
}

function textsIn(value: unknown, path: Path): { readonly text: string; readonly path: Path }[] {
  if (typeof value === 'string') return [{ text: value, path }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    textsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
