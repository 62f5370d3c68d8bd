import { ConfigError } from '../config/index.ts';
import { TidegateError } from '../core/errors.ts';

/** What is printed when a command fails: no stack, unless it is asked for or the error is not one of Tidegate's. */
export function describeFailure(error: unknown, env: Readonly<Record<string, string | undefined>>): string {
  const isTalkative = Boolean(env.DEBUG) || env.LOG_LEVEL === 'debug';
  const text = error instanceof ConfigError ? describeMistakes(error) : describeError(error);
  return isTalkative && error instanceof TidegateError ? `${text}\n${error.stack}` : text;
}

function describeError(error: unknown): string {
  if (error instanceof TidegateError) return `tidegate: ${error.message} (${error.code})`;
  return `tidegate: unexpected error, please report it\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function describeMistakes({ message, problems, code }: ConfigError): string {
  const count = problems.filter(({ severity }) => severity === 'error').length;
  return `${message}\ntidegate: ${count === 1 ? '1 mistake' : `${count} mistakes`}, nothing was started (${code})`;
}
