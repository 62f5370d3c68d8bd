import type { Logger } from '../../telemetry/logger.ts';

/** Writes nothing. */
export const NO_LOGGER: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => NO_LOGGER,
};
