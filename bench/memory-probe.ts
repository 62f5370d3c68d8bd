/** Loaded into a process under test: answers with its memory after a full garbage collection. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { serve } from './child.ts';

export interface MemoryFigures {
  /** Bytes of memory that the process has resident. */
  readonly resident: number;
  /** Bytes of live objects and of the buffers that belong to them. */
  readonly live: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

serve({
  memory: async (): Promise<MemoryFigures> => {
    for (let round = 0; round < 3; round++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { resident: rss, live: heapUsed + external };
  },
});
// The question must not be what keeps the process alive.
process.channel?.unref();
