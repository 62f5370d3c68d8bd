import { jitterOf } from '../../core/clock.ts';
import { tell } from '../lifecycle.ts';
import type { Connection } from './connection.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { Members } from './members.ts';

/** How clients of an endpoint are sent away: one by one when the gateway stops, all at once when its time is over. */
export class GracefulClose {
  private readonly context: EndpointContext;
  private readonly members: Members;

  constructor(context: EndpointContext, members: Members) {
    this.context = context;
    this.members = members;
  }

  /** Slots are spread over `jitter` milliseconds, so that clients do not all come back to the next gateway at once. */
  begin(jitter: number): void {
    const { clock } = this.context;
    for (const connection of this.members) clock.after(jitterOf(clock) * jitter, () => drain(connection));
  }

  /** The time for slots is over. Without answers a client cannot know what became of its messages: they are counted. */
  hasten(): void {
    const { codec, metrics, logger } = this.context;
    const { unsettled } = this.members;
    if (!codec.answers && codec.topics === undefined && unsettled > 0) {
      metrics.unanswered.value += unsettled;
      logger.error(
        { unsettled },
        `${unsettled} messages were read and are not known to be in the log; their clients cannot be told`,
      );
    }
    for (const connection of this.members) drain(connection);
  }

  cutAll(): void {
    for (const connection of [...this.members]) connection.socket.terminate();
  }
}

function drain(connection: Connection): void {
  if (connection.closingSince === 0) tell(connection.actor, { type: 'DRAIN' });
}
