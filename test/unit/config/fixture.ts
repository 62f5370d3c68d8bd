import { ConfigError, type LoadedConfig, loadConfig, type Problem } from '../../../src/config/index.ts';

/** A configuration that has nothing wrong with it, by section, for tests to replace one. */
export const SECTIONS: Readonly<Record<string, string>> = {
  log: 'log: { driver: embedded, topics: { chat: { partitions: 3 } } }',
  listeners: 'listeners: { public: { port: 9090 } }',
  endpoints: 'endpoints:\n  rooms: { listener: public, path: /ws, codec: envelope }',
  pipelines: [
    'pipelines:',
    '  in:',
    '    source: { endpoint: rooms }',
    '    sink: { topic: { name: chat } }',
    '  out:',
    '    source: { topic: { names: [chat] } }',
    '    sink: { endpoint: rooms }',
  ].join('\n'),
};

export function yaml(changes: Readonly<Record<string, string>> = {}): string {
  return `${Object.values({ ...SECTIONS, ...changes }).join('\n')}\n`;
}

export function load(text: string, env: Readonly<Record<string, string>> = {}): Promise<LoadedConfig> {
  return loadConfig({ text, name: 'test.yaml' }, { env, production: null });
}

/** What is wrong with a configuration; empty when it loads. */
export async function problemsOf(
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Problem[]> {
  return (await failureOf(load(text, env)))?.problems ?? [];
}

export async function failureOf(loading: Promise<unknown>): Promise<ConfigError | undefined> {
  try {
    await loading;
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
