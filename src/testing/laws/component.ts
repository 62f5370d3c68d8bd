import type fc from 'fast-check';
import type { ComponentSpec } from '../../sdk/define.ts';
import { type ExampleMessage, exampleConfig, titledExample } from '../../sdk/example.ts';
import type { MessageContent } from '../arbitraries/message.ts';
import type { LawOptions, Settings } from './law.ts';
import { LawGateway } from './law-gateway.ts';

/** Options of laws for components that a gateway makes. */
export interface ComponentLawOptions extends LawOptions {
  /** Messages to try. Payloads of the examples and of any kind if left out. */
  readonly messages?: fc.Arbitrary<MessageContent>;
  /** The gateway that the component is made with. Called for each instance: give it what the component needs. */
  readonly gateway?: () => LawGateway;
}

/** The settings to try. Throws a ZodError for those that do not fit the schema. */
export function settingsOf(spec: ComponentSpec, { configs }: LawOptions): Settings[] {
  const written = configs ?? spec.examples.map((one) => exampleConfig(one));
  return written.map((one) => ({ written: one, parsed: spec.config.parse(one) }));
}

export function gatewayOf({ gateway }: ComponentLawOptions): LawGateway {
  return gateway?.() ?? new LawGateway();
}

/** What the examples of a component get: what it is for is rarely met by chance. */
export function exampleContents(spec: ComponentSpec): MessageContent[] {
  return spec.examples.flatMap((one) => {
    const input = titledExample(one)?.input;
    return input === undefined ? [] : ([input].flat() as ExampleMessage[]).map(contentOf);
  });
}

function contentOf(example: ExampleMessage): MessageContent {
  if (typeof example === 'string') return { payload: Buffer.from(example), key: 'k', headers: [] };
  const { text = '', base64, key = 'k', headers = {} } = example;
  const payload = base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64');
  return { payload, key, headers: Object.entries(headers) };
}
