import { resourceLimit } from '../core/resource-limits.ts';

/** While Node loads the modules up to 175 files are open at a time; a gateway keeps 128 for what is not a client's socket. */
const NEEDED = 256;

/** What is wrong where this process may open too few files to start, with what to do; undefined where it may open enough. */
export function tooFewFiles(limit = resourceLimit('Max open files')): string | undefined {
  if (limit >= NEEDED) return undefined;
  return (
    `this process may open ${limit} files at a time, and needs ${NEEDED} to start, plus one for each client; raise the ` +
    'limit with `ulimit -n 65536` (its hard limit, if that is lower, with LimitNOFILE= of systemd or ulimits of Docker)'
  );
}
