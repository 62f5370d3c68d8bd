import { createActor } from 'xstate';
import type { Logger } from '../../telemetry/logger.ts';
import { startActor, tell } from '../lifecycle.ts';
import { type ListenerActor, type ListenerControl, listenerMachine } from './machine.ts';

/** A server that can be bound to a port, or is already: what the WebSocket transport gives. */
export interface BindableServer {
  /** Resolves with the port. Rejects with TG_LISTEN_FAILED. */
  listen(): Promise<number>;
  /** Accepts no new connections; those that are open stay. */
  stopAccepting(): void;
  close(): void;
}

/** A port with its endpoints. */
export class Listener implements ListenerControl {
  readonly name: string;
  readonly actor: ListenerActor;
  /** The port that is bound, also where the configuration said 0. */
  port = 0;
  private readonly server: BindableServer;
  private whenBound: { resolve: () => void; reject: (error: unknown) => void } = { resolve() {}, reject() {} };

  constructor(name: string, server: BindableServer, logger: Logger) {
    this.name = name;
    this.server = server;
    this.actor = startActor(createActor(listenerMachine, { input: { control: this } }), `listener ${name}`, logger);
  }

  get isListening(): boolean {
    return this.actor.getSnapshot().matches('listening');
  }

  /** Its port could not be bound; another listener has to try. */
  get isFailed(): boolean {
    return this.actor.getSnapshot().matches('failed');
  }

  /** Rejects with TG_LISTEN_FAILED. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.whenBound = { resolve, reject };
      tell(this.actor, { type: 'BIND' });
    });
  }

  drain(): void {
    tell(this.actor, { type: 'DRAIN' });
  }

  close(): void {
    tell(this.actor, { type: 'CLOSE' });
  }

  bind(): void {
    this.server.listen().then(
      (port) => {
        this.port = port;
        tell(this.actor, { type: 'BOUND' });
        this.whenBound.resolve();
      },
      (error: unknown) => {
        tell(this.actor, { type: 'UNBINDABLE' });
        this.whenBound.reject(error);
      },
    );
  }

  stopAccepting(): void {
    this.server.stopAccepting();
  }

  closeServer(): void {
    this.server.close();
  }
}
