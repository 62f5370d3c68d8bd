import { Subject } from 'rxjs';
import type { WriteLease } from '../actors/write-lease.ts';
import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { authorOf } from './authorship.ts';

/** An incarnation, as far as its members may write. */
type Holder = Readonly<Record<'isHeld' | 'isOver', boolean>> & { readonly id: string };

/**
 * When the messages of members may be written to the room's topic: only while no other gateway can have given their
 * names away, because a message that is written later would appear under a name that has a new holder.
 */
export class RoomLease implements WriteLease {
  private readonly endpoint: string;
  private readonly incarnation: () => Holder | undefined;
  private readonly moved = new Subject<void>();
  readonly changed$ = this.moved.asObservable();
  private isAbandoned = false;

  constructor(endpoint: string, incarnation: () => Holder | undefined) {
    this.endpoint = endpoint;
    this.incarnation = incarnation;
  }

  get isHeld(): boolean {
    return this.incarnation()?.isHeld === true;
  }

  /** Messages of an incarnation that is over are never written. */
  refusal(message: Message): TidegateError | undefined {
    if (this.isAbandoned) return new TidegateError('TG_STOPPING', 'the gateway stopped before it held its lease again');
    const author = authorOf(message);
    const incarnation = this.incarnation();
    if (author === undefined || (author === incarnation?.id && !incarnation.isOver)) return undefined;
    return new TidegateError(
      'TG_STOPPING',
      `endpoint ${this.endpoint}: the other gateways declared this one dead before the message was passed on; connect and send it again`,
    );
  }

  renewed(): void {
    this.moved.next();
  }

  /** The deadline of a stop has come: messages that wait are refused. */
  abandon(): void {
    this.isAbandoned = true;
    this.moved.next();
  }
}
