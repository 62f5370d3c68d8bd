import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Codec, Frame } from '../../core/component.ts';
import { asTidegateError, type TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { factsOf } from '../../telemetry/message-facts.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import type { Connection } from '../connection/connection.ts';
import { closing } from '../connection/machine.ts';
import { tell } from '../lifecycle.ts';
import type { History } from './history.ts';
import type { Members } from './members.ts';
import type { RoomHome } from './room.ts';
import type { Turn } from './turn.ts';

export interface BroadcastParts {
  /** Name of the endpoint. */
  readonly name: string;
  readonly codec: Codec;
  readonly encode: (frame: Frame) => Buffer;
  readonly members: Members;
  readonly turn: Turn<Connection, Message>;
  /** Undefined where clients get nothing of the past. */
  readonly history: History | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
}

/** What goes to all members of an endpoint: a frame of each record, made once, whatever their number. */
export class Broadcast implements RoomHome<Connection> {
  readonly encode: (frame: Frame) => Buffer;
  private readonly parts: BroadcastParts;

  constructor(parts: BroadcastParts) {
    this.parts = parts;
    this.encode = parts.encode;
  }

  get size(): number {
    return this.parts.members.size;
  }

  /** Records for everyone who is in at the end of this turn. One that the codec fails on is nacked, and no client gets it. */
  deliver(batch: Batch): void {
    const { name, codec, turn, history, clock, logger, tracing, members } = this.parts;
    const counted = tracing.delivering(batch, name);
    let failed: { readonly message: Message; readonly failure: TidegateError } | undefined;
    for (const message of batch.messages) {
      try {
        const frame = codec.record(message, clock.now());
        if (frame === null) continue;
        const bytes = this.encode(frame);
        turn.tell(bytes);
        history?.keep(bytes, message);
      } catch (error) {
        const failure = asTidegateError(error, 'TG_CODEC_FAILED');
        failed = { message, failure };
        message.nack(failure);
      }
    }
    if (failed !== undefined) {
      const { message, failure } = failed;
      logger.error({ ...factsOf(message), error: failure }, 'the codec failed on a record, which no client gets');
    }
    counted(members.size);
    batch.ack();
  }

  sendWaiting(): void {
    this.parts.turn.fanOut();
  }

  tellOthers(frames: readonly Buffer[], except: ReadonlySet<Connection>): void {
    if (frames.length === 0) return;
    const chunk = Buffer.concat(frames);
    for (const connection of this.parts.members) if (!except.has(connection)) connection.deliver(chunk, frames);
  }

  replay(connection: Connection): void {
    const frames = this.parts.history?.frames(this.parts.clock.now()) ?? [];
    if (frames.length > 0) connection.deliver(Buffer.concat(frames), frames);
  }

  closeAllForRestart(): void {
    for (const connection of this.parts.members) tell(connection.actor, closing('restart'));
  }
}

/** A codec gives the same object for equal answers of one millisecond: the bytes of the last frame are kept. */
export function encodingOnce(encode: (frame: Frame) => Buffer): (frame: Frame) => Buffer {
  let last: { readonly frame: Frame; readonly bytes: Buffer } | undefined;
  return (frame) => {
    if (last?.frame === frame) return last.bytes;
    const bytes = encode(frame);
    last = { frame, bytes };
    return bytes;
  };
}
