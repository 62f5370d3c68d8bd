import fc from 'fast-check';
import type { ForallSettings } from '../../config/schema/forall-schema.ts';
import { TidegateError } from '../../core/errors.ts';
import { Message } from '../../core/message.ts';
import type { Expression } from '../../sdk/expression.ts';
import { SchemaCheck } from '../../sdk/schema-check.ts';
import type { InputMessage } from '../simulation/messages.ts';
import { type BrokenPayload, brokenPayloads } from './invalid.ts';
import { arbitraryOfSchema } from './json-schema/arbitrary-of-schema.ts';

/** Messages as `forall` describes them. `schema`: the JSON Schema itself. Throws TG_CONFIG_INVALID where no value fits it. */
export function messagesOf(settings: ForallSettings, schema: object): fc.Arbitrary<InputMessage> {
  const values = arbitraryOfSchema(schema);
  const valid = values.map((json): BrokenPayload => ({ json }));
  const invalid = Math.round(settings.invalid * 100);
  const payloads =
    invalid === 0
      ? valid
      : fc.oneof(
          { weight: 100 - invalid, arbitrary: valid },
          { weight: invalid, arbitrary: brokenPayloads(values, new SchemaCheck(schema)) },
        );
  return withHeaders(withKeys(payloads, settings.keys), settings.headers);
}

function withKeys(payloads: fc.Arbitrary<BrokenPayload>, keys: ForallSettings['keys']): fc.Arbitrary<InputMessage> {
  if (keys === 0) return payloads;
  if (typeof keys === 'number' || Array.isArray(keys)) {
    const names = Array.isArray(keys) ? keys : Array.from({ length: keys }, (_, at) => `k${at + 1}`);
    return fc.tuple(payloads, fc.constantFrom(...names)).map(([payload, key]) => ({ ...payload, key }));
  }
  return payloads.map((payload) => {
    const key = keyOf(payload, keys);
    return key === undefined ? payload : { ...payload, key };
  });
}

/** A message for which the expression has no value, such as one that is not JSON, has no key. */
function keyOf(payload: BrokenPayload, key: Expression): string | undefined {
  const text = 'json' in payload ? JSON.stringify(payload.json) : payload.text;
  const value = textOrNone(key, new Message(Buffer.from(text)));
  if (!(value instanceof Promise)) return value;
  throw new TidegateError(
    'TG_CONFIG_INVALID',
    `forall.keys: ${key.text} cannot be computed at once; use a path, such as "\${! json.customer }"`,
  );
}

function textOrNone(key: Expression, message: Message): string | undefined | Promise<string | undefined> {
  try {
    return key.evaluateText(message);
  } catch {
    return undefined;
  }
}

function withHeaders(
  messages: fc.Arbitrary<InputMessage>,
  headers: ForallSettings['headers'],
): fc.Arbitrary<InputMessage> {
  if (Object.keys(headers).length === 0) return messages;
  const values = fc.record(
    Object.fromEntries(Object.entries(headers).map(([name, list]) => [name, fc.constantFrom(...list)])),
    { noNullPrototype: true },
  );
  return fc.tuple(messages, values).map(([message, some]) => ({ ...message, headers: some }));
}
