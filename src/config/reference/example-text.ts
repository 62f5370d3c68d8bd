import { stringify } from 'yaml';
import type { Example, ExampleMessage } from '../../sdk/example.ts';

/** An example as it is written in a configuration: a component without settings by its name alone. */
export function exampleYaml(name: string, config: unknown): string {
  const isBare = typeof config === 'object' && config !== null && Object.keys(config).length === 0;
  return isBare ? `${name}\n` : stringify({ [name]: config }, { lineWidth: 100 });
}

/** What goes in and what comes out, a line for each message. */
export function exampleRun(
  input: ExampleMessage | readonly ExampleMessage[],
  output: Example<unknown>['output'],
): string[] {
  return [...inputs(input).flatMap((message) => shown('in ', message)), ...outcomeOf(output)];
}

function inputs(input: ExampleMessage | readonly ExampleMessage[]): ExampleMessage[] {
  return [input].flat() as ExampleMessage[];
}

function outcomeOf(output: Example<unknown>['output']): string[] {
  if (output === null || output === undefined) return ['out: nothing; the message ends here'];
  if (typeof output === 'object' && 'error' in output) return [`fails: ${output.error}`];
  return [output].flat().flatMap((message) => shown('out', message as ExampleMessage));
}

function shown(word: string, message: ExampleMessage): string[] {
  if (typeof message === 'string') return [`${word}: ${quoted(message)}`];
  const { text = '', base64, key, headers = {} } = message;
  const content = base64 === undefined ? quoted(text) : `${base64} (base64)`;
  const about = [
    ...(key === undefined || key === null ? [] : [`key ${key}`]),
    ...Object.entries(headers).map(([header, value]) => `header ${header}: ${value}`),
  ];
  return [`${word}: ${content}${about.length === 0 ? '' : ` (${about.join(', ')})`}`];
}

/** With its line ends made visible. */
function quoted(text: string): string {
  return /[\r\n]/.test(text) ? JSON.stringify(text) : text;
}
