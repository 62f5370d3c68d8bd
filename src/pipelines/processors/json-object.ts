import { isJsonObject, type Message, notA } from '../../sdk/index.ts';

/** The payload as an object. Throws TG_MESSAGE_INVALID where it is something else. */
export function jsonObjectOf({ json }: Message): Record<string, unknown> {
  if (isJsonObject(json)) return json;
  throw notA('a JSON object');
}
