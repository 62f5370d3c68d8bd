import type { Processor } from '../../core/component.ts';
import type { ConnectedContext } from '../../sdk/context.ts';
import type { Activity } from './activity.ts';
import { ScopedClock } from './scoped-clock.ts';

/**
 * A processor whose promises the simulation waits for, unless they wait for its clock. `isLimited`: each is cut after some
 * time of the clock.
 */
export function watchedProcessor(
  create: (context: ConnectedContext) => Processor,
  context: ConnectedContext,
  { activity, isLimited }: { readonly activity: Activity; readonly isLimited: boolean },
): Processor {
  const clock = new ScopedClock(context.clock);
  const waits = () => clock.pending > 0;
  const inner = create({ ...context, clock });
  const watched: Processor = {
    process: (message, call) => {
      const made = inner.process(message, call);
      if (!(made instanceof Promise)) return made;
      const work = activity.begins({ waits, isLimited });
      return made.finally(() => work.end());
    },
    close: () => inner.close?.(),
  };
  return {
    ...watched,
    ...(inner.concurrency === undefined ? {} : { concurrency: inner.concurrency }),
    ...(inner.open === undefined ? {} : { open: () => inner.open?.() }),
  };
}
