import { builtinRegistry } from '../../src/config/index.ts';
import { Message } from '../../src/core/message.ts';
import type { ComponentConfig } from '../../src/pipelines/stages.ts';
import { type ExampleMessage, titledExample } from '../../src/sdk/example.ts';

/** A component with its settings and the messages that it gets. */
export interface Case {
  readonly name: string;
  readonly entries: readonly ComponentConfig[];
  /** How many messages one round has. */
  readonly messages: number;
  readonly make: (index: number) => Message;
  readonly micros: number[];
}

/** A multiple of the batch. */
const MESSAGES = 20_000;
const REQUESTS = 2_000;
const PLAIN: ExampleMessage = '{"id":7,"user":"ada","total":12.5,"at":1700000000000}';

/** Every titled example with one message to work on, and `lookup` by HTTP of a server at that URL. */
export function cases(url: string): Case[] {
  const registry = builtinRegistry();
  const found: Case[] = [{ name: 'no processor', entries: [], messages: MESSAGES, make: maker(PLAIN), micros: [] }];
  for (const spec of [...registry.all('processor'), ...registry.all('operator')]) {
    for (const example of spec.examples.map((one) => titledExample(one))) {
      const input = example?.input;
      if (example === undefined || typeof input === 'undefined' || asksServer(example.config)) continue;
      const one = Array.isArray(input) ? (input as ExampleMessage[])[0] : (input as ExampleMessage);
      const isFailure = typeof example.output === 'object' && example.output !== null && 'error' in example.output;
      if (one === undefined || isFailure) continue;
      const entries = [{ spec, config: spec.config.parse(example.config) }];
      found.push({ name: `${spec.name}: ${example.title}`, entries, messages: MESSAGES, make: maker(one), micros: [] });
    }
  }
  return [...found, ...lookups(url)];
}

/** Its server is not there. */
function asksServer(config: unknown): boolean {
  return typeof config === 'object' && config !== null && 'http' in config;
}

function lookups(url: string): Case[] {
  const spec = builtinRegistry()
    .all('processor')
    .find(({ name }) => name === 'lookup');
  if (spec === undefined) throw new Error('there is no processor lookup');
  const numbered = (users: number) => (index: number) => new Message(Buffer.from(`{"user":"u${index % users}"}`));
  const entries = (keys: number) => {
    const http = { url: `${url}/users/\${! json.user }`, cache: { keys } };
    return [{ spec, config: spec.config.parse({ http, into: 'user' }) }];
  };
  return [
    {
      name: 'lookup: HTTP, one of 100 answers in the cache',
      entries: entries(1_000),
      messages: MESSAGES,
      make: numbered(100),
      micros: [],
    },
    {
      name: 'lookup: HTTP, a request for each message',
      entries: entries(0),
      messages: REQUESTS,
      make: numbered(REQUESTS),
      micros: [],
    },
  ];
}

function maker(example: ExampleMessage): () => Message {
  if (typeof example === 'string') {
    const payload = Buffer.from(example);
    return () => new Message(payload);
  }
  const { text = '', base64, key = null, headers = {} } = example;
  const payload = base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64');
  const list = Object.entries(headers);
  return () => new Message(payload, { key, headers: list });
}
