import { format } from 'node:util';
import type { Logger } from '../telemetry/logger.ts';

const LEVEL_OF = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error', trace: 'debug' } as const;

/**
 * Makes log lines of what dependencies and plugins print with `console`, and of Node's own warnings: bare text and stack
 * traces between JSON lines are lost on whatever collects the log.
 */
export function logStrayOutput(logger: Logger): void {
  const lines = logger.child({ scope: 'console' });
  for (const [method, level] of Object.entries(LEVEL_OF) as [keyof typeof LEVEL_OF, 'info'][])
    console[method] = (...values: unknown[]) => lines[level]({}, format(...values));
  // The one listener that is there by then is Node's own, which prints.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const { code } = warning as { code?: string };
    lines.warn(code === undefined ? {} : { code }, `${warning.name}: ${warning.message}`);
  });
}
