import { quoteValue } from '../../core/quote.ts';
import type { Level, LogLevels } from '../../telemetry/log-levels.ts';
import { ConnectRefusal } from '../cluster/refusal.ts';
import { answer, type Call, objectOf, textOf } from './call.ts';
import type { Route } from './routes.ts';

/** Connect's words for levels, and what they mean here. */
const LEVELS: Readonly<Record<string, Level>> = {
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'error',
  OFF: 'silent',
};

const ALL = 'tidegate';
const PREFIX = `${ALL}.`;

export interface LoggerRouteOptions {
  /** undefined where the program that runs the gateway logs in its own way. */
  readonly levels: LogLevels | undefined;
  /** Tells all gateways of the cluster. */
  readonly setEverywhere: (logger: string, level: string) => Promise<void>;
  readonly now: () => number;
}

/**
 * `/admin/loggers`: the scopes of our log lines as loggers, such as `tidegate.lane`, and `root`. Other names can be set too,
 * as in Connect; nothing logs under them.
 */
export function loggerRoutes(options: LoggerRouteOptions): Route[] {
  const { levels } = options;
  return [
    {
      method: 'GET',
      path: '/admin/loggers',
      handle: () => {
        const all = [...(levels?.all ?? [])].map(([key, level]) => [nameOf(key), shown(level)] as const);
        return answer(200, Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1))));
      },
    },
    {
      method: 'GET',
      path: '/admin/loggers/{logger}',
      handle: ({ params: { logger = '' } }) => {
        const level = logger === 'root' ? levels?.rootLevel : levels?.all.get(keyOf(logger));
        if (level === undefined) throw new ConnectRefusal(404, `Logger ${logger} not found.`);
        return answer(200, shown(level));
      },
    },
    { method: 'PUT', path: '/admin/loggers/{logger}', handle: (call) => put(call, options) },
  ];
}

/** Sets a level by Connect's words, of a logger and those below it; those that have another one now. Unknown words change nothing. */
export function setLevel(levels: LogLevels | undefined, logger: string, word: string, now: number): string[] {
  const level = LEVELS[word.toUpperCase()];
  if (levels === undefined || level === undefined) return [];
  if (logger === 'root' || logger === ALL) {
    const isOther = levels.rootLevel.level !== level;
    const below = levels.set(undefined, level, now).map(nameOf);
    return (isOther ? [...below, 'root'] : below).sort();
  }
  const below = [...levels.all.keys()].map(nameOf).filter((name) => name.startsWith(`${logger}.`));
  return [logger, ...below.sort()].flatMap((name) => levels.set(keyOf(name), level, now)).map(nameOf);
}

async function put(call: Call, { levels, setEverywhere, now }: LoggerRouteOptions) {
  const { logger = '' } = call.params;
  const { level: given } = objectOf(call);
  if (given === undefined || given === null)
    throw new ConnectRefusal(400, "Desired 'level' parameter was not specified in request.");
  const level = textOf('level', given);
  if (LEVELS[level.toUpperCase()] === undefined)
    throw new ConnectRefusal(404, `invalid log level '${quoteValue(level)}'.`);
  if (call.query.get('scope')?.toLowerCase() !== 'cluster') return answer(200, setLevel(levels, logger, level, now()));
  await setEverywhere(logger, level.toUpperCase());
  return answer(204);
}

function shown({ level, modifiedAt }: { readonly level: Level; readonly modifiedAt: number | null }) {
  return { level: level === 'silent' ? 'OFF' : level.toUpperCase(), last_modified: modifiedAt };
}

/** Under which the level of a logger is kept: a scope, or a dot and a name that is no scope's. */
function keyOf(logger: string): string {
  return logger.startsWith(PREFIX) ? logger.slice(PREFIX.length) : `.${logger}`;
}

function nameOf(key: string): string {
  return key.startsWith('.') ? key.slice(1) : PREFIX + key;
}
