import type { AnyActorRef } from 'xstate';
import type { Logger } from '../telemetry/logger.ts';

/** An action that throws in an actor without an observer ends the process; every root actor is started through here. */
export function startActor<A extends AnyActorRef>(actor: A, name: string, logger: Logger): A {
  actor.subscribe({ error: (error: unknown) => logger.error({ actor: name, error }, `the ${name} actor failed`) });
  actor.start();
  return actor;
}

/** Sends an event to an actor that may have ended already; xstate warns about those, and there is nothing to do. */
export function tell<A extends AnyActorRef>(actor: A, event: Parameters<A['send']>[0]): void {
  if (actor.getSnapshot().status === 'active') actor.send(event);
}

/** A listener of an observable, whose errors are logged: RxJS throws them where nothing can catch them, which ends the process. */
export function guarded<T>(listener: (value: T) => void, logger: Logger): (value: T) => void {
  return (value) => {
    try {
      listener(value);
    } catch (error) {
      logger.error({ error }, 'a change could not be acted on');
    }
  };
}
