/** Samplers of Jaeger's clients and of OpenTelemetry's environment variables that have a counterpart here. */
type Counterpart = (param: number | undefined) => string;

const ALL_ON = 'write sample: 1, and max_per_second where 100 a second are too few';
const ALL_OFF = 'write sample: 0';
const WHOLE = ' (a whole number)';
const ratio: Counterpart = (param) =>
  param === undefined || !(param >= 0 && param <= 1)
    ? 'write sample, the share of messages from 0 to 1, such as sample: 0.01'
    : `write sample: ${param}`;

const COUNTERPARTS: ReadonlyMap<string, Counterpart> = new Map<string, Counterpart>([
  ['const', (param) => (param === 0 ? ALL_OFF : ALL_ON)],
  ['probabilistic', ratio],
  [
    'ratelimiting',
    (param) => {
      if (param === undefined || !(param >= 0)) return 'write sample: 1 and max_per_second, the most traces a second';
      const whole = Math.ceil(param);
      const why = whole === param ? '' : WHOLE;
      return `write sample: 1 and max_per_second: ${whole}${why}`;
    },
  ],
  ['alwayson', () => ALL_ON],
  ['alwaysoff', () => ALL_OFF],
  ['traceidratio', ratio],
]);

/** These ask a server, again and again, for shares by operation. */
const REMOTE = /remote|xray/;
/** Here a message that says how it is sampled keeps that in any case. */
const PARENT_BASED = /^parentbased/;
/** By the letters of their keys. */
const OF_SAMPLER = /^sampl(?:er|ing)/;
const TYPE = /^(?:sampler|sampling|(?:sampler|sampling)?(?:type|name|strategy))$/;
const PARAM = /^(?:sampler|sampling)?(?:param|arg|ratio|rate|value)$/;

/** What to write in place of a sampler. */
export function inPlaceOf(type: string, param: unknown): string {
  const name = letters(type);
  if (REMOTE.test(name))
    return 'a sampler that a server sets is not supported, as the share is decided before there is an operation to ask for; write sample with the share of its default strategy, such as sample: 0.01';
  const counterpart = counterpartOf(name);
  if (counterpart === undefined)
    return 'write sample, the share of messages from 0 to 1, and max_per_second, the most traces a second';
  return counterpart(numberOf(param));
}

/** Whether the settings are those already that this says to write. */
export function isFollowed(
  advice: string,
  settings: { readonly sample: number; readonly max_per_second: number },
): boolean {
  const { sample, max_per_second } = settings;
  if (advice === `write sample: ${sample}`) return true;
  const limit = `write sample: 1 and max_per_second: ${max_per_second}`;
  return sample === 1 && (advice === ALL_ON || advice === limit || advice === `${limit}${WHOLE}`);
}

/** What to write in place of an unknown key of `tracing`; undefined for one that is about something else. */
export function samplerAdvice(key: string, siblings: Readonly<Record<string, unknown>>): string | undefined {
  const word = letters(key);
  if (!OF_SAMPLER.test(word)) return undefined;
  const value = siblings[key];
  if (PARAM.test(word)) {
    const hasType = Object.keys(siblings).some((name) => isType(letters(name)));
    return hasType ? 'it goes with the type of a sampler, which there is none of here' : ratio(numberOf(value));
  }
  if (!isType(word)) return undefined;
  const own = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  const { type, param } = own === undefined ? { type: value, param: undefined } : partsOf(own);
  const beside = Object.entries(siblings).find(([name]) => PARAM.test(letters(name)))?.[1];
  return inPlaceOf(String(type ?? ''), param ?? beside);
}

/** `{ type: const, param: 1 }`, by its keys' many names, and `{ const: 1 }`. */
function partsOf(own: Readonly<Record<string, unknown>>): { readonly type: unknown; readonly param: unknown } {
  const entries = Object.entries(own).map(([key, value]) => [letters(key), value] as const);
  const type = entries.find(([word]) => TYPE.test(word))?.[1];
  const named = entries.find(([word]) => counterpartOf(word) !== undefined);
  if (type === undefined && named !== undefined) return { type: named[0], param: named[1] };
  return { type, param: entries.find(([word]) => PARAM.test(word))?.[1] };
}

/** Whether a key of `tracing` names a sampler. */
function isType(word: string): boolean {
  return OF_SAMPLER.test(word) && TYPE.test(word);
}

function counterpartOf(name: string): Counterpart | undefined {
  return COUNTERPARTS.get(name.replace(PARENT_BASED, ''));
}

function letters(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]/g, '');
}

function numberOf(param: unknown): number | undefined {
  if (typeof param === 'number') return param;
  if (typeof param === 'boolean') return Number(param);
  if (typeof param !== 'string' || param.trim() === '') return undefined;
  if (/^(?:true|false)$/i.test(param)) return Number(param.toLowerCase() === 'true');
  return Number.isNaN(Number(param)) ? undefined : Number(param);
}
