import type { Codec } from '../../core/component.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Connection } from '../connection/connection.ts';
import { closing } from '../connection/machine.ts';
import { tell } from '../lifecycle.ts';
import type { EndpointFigures } from './figures.ts';
import type { Members } from './members.ts';

export interface DeparturesOptions {
  readonly members: Members;
  readonly codec: Codec;
  readonly figures: EndpointFigures;
  readonly logger: Logger;
}

/** How clients of an endpoint are sent away: one by one when the gateway stops, all at once when its time is over. */
export class Departures {
  private readonly options: DeparturesOptions;

  constructor(options: DeparturesOptions) {
    this.options = options;
  }

  /** Slots are spread over `jitter` milliseconds, so that clients do not all come back to the next gateway at once. */
  begin(jitter: number): void {
    for (const connection of this.options.members) {
      const slot = setTimeout(() => drain(connection), Math.random() * jitter);
      slot.unref();
    }
  }

  /** The time for slots is over. Without answers a client cannot know what became of its messages: they are counted. */
  hasten(): void {
    const { members, codec, figures, logger } = this.options;
    const { unsettled } = members;
    if (!codec.answers && codec.topics === undefined && unsettled > 0) {
      figures.unanswered.value += unsettled;
      logger.error(
        { unsettled },
        `${unsettled} messages were read and are not known to be in the log; their clients cannot be told`,
      );
    }
    for (const connection of members) drain(connection);
  }

  cutAll(): void {
    for (const connection of [...this.options.members]) connection.socket.terminate();
  }

  /** Closes the connection that holds the most bytes. */
  cutLargest(): void {
    const { members, logger } = this.options;
    const { largest } = members;
    if (largest === undefined) return;
    const isReading = largest.socket.partial > largest.queuedBytes;
    logger.warn(
      { client_id: largest.info.clientId, bytes: largest.heldBytes },
      'closing a client: memory.limit is reached and it holds the most',
    );
    tell(largest.actor, closing(isReading ? 'tooBig' : 'overloaded', 'out of memory'));
  }
}

function drain(connection: Connection): void {
  if (connection.closingSince === 0) tell(connection.actor, { type: 'DRAIN' });
}
