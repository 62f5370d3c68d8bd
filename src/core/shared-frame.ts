import type { ChannelPosition } from './channel-position.ts';
import type { Frame } from './frame.ts';
import { inChannel } from './frame-channel.ts';
import { withKey } from './frame-key.ts';
import { joined } from './joined.ts';

/**
 * The forms in which a frame leaves; each connection has one of them. plain: a WebSocket frame as it is; deflate: one whose
 * payload may be compressed (RFC 7692); sse: text of an event stream.
 */
export type Wire = 'plain' | 'deflate' | 'sse';

/**
 * The bytes of a frame on a wire. `shared` gives those of the plain wire, where they are to be used for this one as well, and its
 * position.
 */
export type EncodeFrame = (frame: Frame, wire: Wire, shared: SharedFrame) => Buffer;

/** A frame for event streams alone, which says nothing but its position. */
export const SILENT: Frame = { data: '', binary: false };

/** A frame for any number of sockets: its bytes are made once for each wire, when the first socket wants them. */
export class SharedFrame {
  private frame: Frame;
  private readonly encode: EncodeFrame;
  private plain: Buffer | undefined;
  private others: Map<Wire, Buffer> | undefined;
  /** What it is the newest value of, once `withKey` has said so. */
  private key: { readonly value: string | undefined } | undefined;
  private place: ChannelPosition | undefined;
  private channel: string | undefined;

  constructor(frame: Frame, encode: EncodeFrame) {
    this.frame = frame;
    this.encode = encode;
  }

  bytes(wire: Wire): Buffer {
    if (wire !== 'plain') return this.other(wire);
    this.plain ??= this.made('plain');
    return this.plain;
  }

  /**
   * The frame of a record with that key, which its bytes have on every wire. It is the frame itself, or, where that is the frame of
   * an earlier record, one of the same content.
   */
  withKey(value: string | undefined): SharedFrame {
    const own = this.own();
    own.key = { value };
    return own;
  }

  /** The frame of a record behind which a client is at that position. As with `withKey`, whose key it keeps. */
  withPosition(position: ChannelPosition): SharedFrame {
    const own = this.place === undefined && !this.isMade ? this : this.own();
    own.key = this.key;
    own.channel = this.channel;
    own.place = position;
    return own;
  }

  /** The frame of a record in that channel, which its bytes have on every wire. As with `withKey`, whose key it keeps. */
  inChannel(channel: string): SharedFrame {
    const own = this.channel === undefined && !this.isMade ? this : this.own();
    own.key = this.key;
    own.place = this.place;
    own.channel = channel;
    return own;
  }

  /** Where a client is that has the record, in its channel. Undefined where that has no positions. */
  get position(): ChannelPosition | undefined {
    return this.place;
  }

  /** As the codec made it; text is UTF-8 once the frame is detached. */
  get payload(): Frame['data'] {
    return this.frame.data;
  }

  /** Bytes on the plain wire. */
  get size(): number {
    return this.bytes('plain').length;
  }

  /**
   * For a frame that is kept: it holds on to nothing but its own bytes, as its data may be part of a much larger read, and they of
   * the pool in which Node makes small buffers.
   */
  detach(): this {
    const { data, binary } = this.frame;
    const plain = this.ownPlain();
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    // The payload is the end of a frame that is not masked (RFC 6455 5.2).
    this.frame = { data: plain.subarray(plain.length - length), binary };
    return this;
  }

  private get isMade(): boolean {
    return this.plain !== undefined || this.others !== undefined;
  }

  /** Itself, or one of the same content where it is that of an earlier record. */
  private own(): SharedFrame {
    const isUsed = this.key !== undefined || this.place !== undefined || this.channel !== undefined || this.isMade;
    return isUsed ? new SharedFrame(this.frame, this.encode) : this;
  }

  private ownPlain(): Buffer {
    const plain = this.bytes('plain');
    if (plain.length * 2 >= plain.buffer.byteLength) return plain;
    const copy = Buffer.allocUnsafeSlow(plain.length);
    plain.copy(copy);
    this.plain = this.marked(copy);
    return this.plain;
  }

  private made(wire: Wire): Buffer {
    return this.marked(this.encode(this.frame, wire, this));
  }

  /** With what queues ask of a frame. */
  private marked(bytes: Buffer): Buffer {
    const keyed = this.key === undefined ? bytes : withKey(bytes, this.key.value);
    return this.channel === undefined ? keyed : inChannel(keyed, this.channel);
  }

  private other(wire: Wire): Buffer {
    this.others ??= new Map();
    let bytes = this.others.get(wire);
    if (bytes === undefined) {
      bytes = this.made(wire);
      this.others.set(wire, bytes);
    }
    return bytes;
  }
}

/** What sockets of one wire are given. */
export class Written {
  readonly frames: readonly Buffer[];
  /** Bytes of all of them. */
  readonly length: number;
  private joint: Buffer | undefined;

  constructor(frames: readonly Buffer[]) {
    this.frames = frames;
    let length = 0;
    for (const frame of frames) length += frame.length;
    this.length = length;
  }

  /** The frames in one piece, for a socket that keeps up. Large ones may be for none that does: they are not copied then. */
  get chunk(): Buffer {
    this.joint ??= joined(this.frames);
    return this.joint;
  }
}

/** Frames that go to sockets together, in order. What sockets of one wire get is made once, for the first of them. */
export class FrameGroup {
  readonly frames: readonly SharedFrame[];
  private plain: Written | undefined;
  private others: Map<Wire, Written> | undefined;

  /** At least one frame. */
  constructor(frames: readonly SharedFrame[]) {
    this.frames = frames;
  }

  on(wire: Wire): Written {
    if (wire !== 'plain') return this.other(wire);
    this.plain ??= this.written('plain');
    return this.plain;
  }

  private other(wire: Wire): Written {
    this.others ??= new Map();
    let written = this.others.get(wire);
    if (written === undefined) {
      written = this.written(wire);
      this.others.set(wire, written);
    }
    return written;
  }

  private written(wire: Wire): Written {
    return new Written(this.frames.map((frame) => frame.bytes(wire)));
  }
}
