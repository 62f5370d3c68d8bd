import { asTidegateError, ExactNumber, type Expression, type Message, together } from '../../sdk/index.ts';

/** Expressions for the names of a record's channels; never empty. Each may give one name, or a list of them. */
export type Channel = readonly Expression[];

/** Records with what their channels are called: a name, a list of names, or whatever else an expression gave. */
export interface Addressed {
  readonly messages: readonly Message[];
  /** For each of them. */
  readonly channels: readonly unknown[];
}

/** At once where all expressions answer at once. A record for which one fails is nacked, and left out. */
export function channelsOf(channel: Channel, messages: readonly Message[]): Addressed | Promise<Addressed> {
  const [only] = channel;
  const evaluate =
    only !== undefined && channel.length === 1
      ? (message: Message) => only.evaluate(message)
      : (message: Message) =>
          together(
            channel.map((one) => one.evaluate(message)),
            (values) => values.flat(),
          );
  const values = new Array<unknown>(messages.length);
  let isPending = false;
  for (let at = 0; at < messages.length; at += 1) {
    const value = valueFor(messages[at] as Message, evaluate);
    if (value instanceof Promise) isPending = true;
    values[at] = value;
  }
  return isPending ? Promise.all(values).then((found) => addressed(messages, found)) : addressed(messages, values);
}

/** In place of the value for a record whose expression failed. */
const FAILED = Symbol('failed');

function valueFor(message: Message, evaluate: (message: Message) => unknown): unknown {
  try {
    const value = evaluate(message);
    if (!(value instanceof Promise)) return value;
    return value.catch((error: unknown) => failed(message, error));
  } catch (error) {
    return failed(message, error);
  }
}

function failed(message: Message, error: unknown): typeof FAILED {
  message.nack(asTidegateError(error, 'TG_EXPRESSION_FAILED'));
  return FAILED;
}

function addressed(messages: readonly Message[], values: readonly unknown[]): Addressed {
  if (!values.includes(FAILED)) return { messages, channels: values.map(named) };
  const ready = messages.filter((_, at) => values[at] !== FAILED);
  return { messages: ready, channels: values.filter((value) => value !== FAILED).map(named) };
}

/** A number becomes the text that it is written as. Other values stay as they are, and no channel has them as a name. */
function named(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (value instanceof ExactNumber) return value.digits;
  return Array.isArray(value) ? value.map((one) => (Array.isArray(one) ? undefined : named(one))) : value;
}
