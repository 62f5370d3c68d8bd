import { builtinRegistry } from '../../config/index.ts';
import { didYouMean } from '../../config/problem/suggest.ts';
import { TidegateError } from '../../core/errors.ts';
import type { ComponentSpec, OperatorSpec, ProcessorSpec, SinkSpec, SourceSpec } from '../../sdk/define.ts';

/** What a flow such as `websocket->filter->topic` names. */
export interface NamedFlow {
  readonly sources: readonly SourceSpec[];
  readonly steps: readonly (ProcessorSpec | OperatorSpec)[];
  readonly sink: SinkSpec;
}

/** The components that a flow may name. */
export const REGISTRY = builtinRegistry();

/** Words that say more plainly what an end of a flow is. */
const ALIASES: Readonly<Record<string, string>> = {
  websocket: 'endpoint',
  websockets: 'endpoint',
  ws: 'endpoint',
  feed: 'websocket_client',
  kafka: 'topic',
  print: 'stdout',
};

const FORM = "SOURCE->SINK, or SOURCE+SOURCE->PROCESSOR->PROCESSOR->SINK, such as 'websocket->filter->topic'";

/** Reads `SOURCE[+SOURCE]->PROCESSOR...->SINK`. Throws TG_CONFIG_INVALID with the words that are known. */
export function parseFlow(text: string): NamedFlow {
  const words = text.split('->').map((word) => word.trim());
  if (words.length < 2 || words.includes(''))
    throw invalid(`"${text}" is not a flow; write ${FORM} (in quotes, as > is a character of the shell)`);
  const [first = '', ...rest] = words;
  const last = rest.pop() ?? '';
  const steps = [...REGISTRY.all('processor'), ...REGISTRY.all('operator')];
  return {
    sources: first.split('+').map((word) => find('source', word.trim(), REGISTRY.all('source'), ALIASES)),
    steps: rest.map((word) => findStep(word, steps)),
    sink: find('sink', last, REGISTRY.all('sink'), ALIASES),
  };
}

/** One between the ends; a word for an end is a frequent mistake there. */
function findStep<Spec extends ComponentSpec>(word: string, steps: readonly Spec[]): Spec {
  const registry = builtinRegistry();
  const name = Object.hasOwn(ALIASES, word) ? ALIASES[word] : word;
  const isEnd = [...registry.all('source'), ...registry.all('sink')].some((spec) => spec.name === name);
  if (isEnd && !steps.some((step) => step.name === word))
    throw invalid(
      `"${word}" is an end of a flow, and is not between others; make one flow of each part, or write ${FORM}`,
    );
  return find('processor or operator', word, steps, {});
}

function find<Spec extends ComponentSpec>(
  what: string,
  word: string,
  specs: readonly Spec[],
  aliases: Readonly<Record<string, string>>,
): Spec {
  const wanted = Object.hasOwn(aliases, word) ? aliases[word] : word;
  const found = specs.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = specs.map(({ name }) => name);
  const known = [...names, ...Object.keys(aliases).filter((alias) => names.includes(aliases[alias] ?? ''))];
  throw invalid(`there is no ${what} "${word}"; there are ${known.sort().join(', ')}${didYouMean(word, known)}`);
}

function invalid(message: string): TidegateError {
  return new TidegateError('TG_CONFIG_INVALID', message);
}
