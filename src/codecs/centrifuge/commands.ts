/** What clients may ask for. */
const METHODS = [
  ...['connect', 'subscribe', 'unsubscribe', 'publish', 'presence', 'presence_stats', 'history'],
  ...['ping', 'send', 'rpc', 'refresh', 'sub_refresh'],
] as const;

/** One command of a client. */
export interface Command {
  /** 0 where it has none; only `send` may. */
  readonly id: number;
  /** Undefined where the protocol has no such method. */
  readonly method: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  /** As it came. */
  readonly line: Buffer;
}

/** The answer of a client to a ping, which is no command. */
export const PONG = 'pong';

/** As many as a client with thousands of subscriptions sends at once when it connects. */
const MAX_COMMANDS = 16_384;
const MAX_ID = 4_294_967_295;
const LINE_FEED = 0x0a;

/** What is wrong with a frame; what is in front of it in the frame is done. */
export class Mistake {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** The commands of a frame, one a line. A mistake is the last. */
export function* commandsIn(frame: Buffer): Generator<Command | Mistake | typeof PONG> {
  let count = 0;
  for (let at = 0; at < frame.length; ) {
    const found = frame.indexOf(LINE_FEED, at);
    const end = found < 0 ? frame.length : found;
    const line = frame.subarray(at, end);
    at = end + 1;
    const command = readCommand(line);
    if (command === undefined) continue;
    count += 1;
    if (count > MAX_COMMANDS) {
      yield new Mistake(`a frame may have ${MAX_COMMANDS} commands`);
      return;
    }
    yield command;
    if (command instanceof Mistake) return;
  }
}

/** Undefined for an empty line. */
function readCommand(line: Buffer): Command | Mistake | typeof PONG | undefined {
  const text = line.toString('utf8');
  if (text === '{}') return PONG;
  if (text.trim() === '') return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return new Mistake('a command is not JSON');
  }
  if (!isObject(json)) return new Mistake('a command is a JSON object');
  const names = Object.keys(json);
  if (names.length === 0) return PONG;
  const method = METHODS.find((name) => Object.hasOwn(json, name));
  const { id = 0 } = json;
  if (!isNumber(id, MAX_ID) || (id === 0 && method !== 'send')) return new Mistake('id is not a number above 0');
  if (method === undefined) {
    return names.length === 1 ? new Mistake('a command without a method') : { id, method, params: NO_PARAMS, line };
  }
  const params = json[method];
  return isObject(params) ? { id, method, params, line } : new Mistake(`${method} is not an object`);
}

const NO_PARAMS = Object.freeze({});

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is a whole number from 0 to the greatest. */
export function isNumber(value: unknown, greatest = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= greatest;
}
