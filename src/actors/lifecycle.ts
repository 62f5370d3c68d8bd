import type { AnyActorRef } from 'xstate';
import type { Logger } from '../telemetry/logger.ts';

/** An action that throws in an actor nobody observes ends the process; every root actor is started through here. */
export function startActor<A extends AnyActorRef>(actor: A, name: string, logger: Logger): A {
  actor.subscribe({ error: (error: unknown) => logger.error({ actor: name, err: error }, `the ${name} actor failed`) });
  actor.start();
  return actor;
}
