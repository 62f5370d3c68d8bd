import type { Writable } from 'node:stream';
import * as ws from 'ws';
import type { ClientMemory, WaitingReader } from '../../core/client-memory.ts';
import { Blocks } from './blocks.ts';
import { inflate, isTooLarge } from './deflate.ts';

/** Fields and methods of the receiver of ws that have no public name; ws is pinned, and a test fails when they move. */
interface Receiver extends Writable {
  _buffers: Buffer[];
  _bufferedBytes: number;
  _payloadLength: number;
  _opcode: number;
  _fin: boolean;
  readonly _compressed: boolean;
  readonly _maxPayload: number;
  _messageLength: number;
  _mask: Buffer | undefined;
  _fragments: Buffer[];
  _loop: boolean;
  readonly _errored: boolean;
  readonly _state: number;
  startLoop(done: Done): void;
  dataMessage(done: Done): void;
  decompress(data: Buffer, done: Done): void;
  createError(type: ErrorConstructor, message: string, prefix: boolean, closeCode: number, code: string): Error;
  [READING]: Reading;
}

type Done = (error?: Error | null) => void;

const READING = Symbol('reading');
const EMPTY = Buffer.alloc(0);
const Original = (ws as unknown as { Receiver: { prototype: Receiver } }).Receiver.prototype;

/** States of the receiver, and the first opcode of a control frame. */
const GET_INFO = 0;
const GET_DATA = 4;
const CONTROL = 0x08;
const CLOSE = 0x08;

/** What has to stop and go on with its socket. */
export interface ReadSocket {
  /** Stops and resumes the network socket. */
  stop(): void;
  start(): void;
}

/**
 * The reading side of a socket: what the receiver of ws does with a chunk, except that
 * - the bytes of an unfinished frame, and the fragments of an unfinished message, are kept in blocks and counted as what
 *   they cost. ws would keep a Buffer for each piece, and with each fragment the whole chunk that it came in;
 * - at `memory.limit` a socket with an unfinished message is not read;
 * - a compressed message is inflated when all of it is there, at once, and to no more than a message may have;
 * - a socket that is paused gives no more messages, though there are more in the chunk that was read;
 * - of a socket that is closing nothing is kept.
 */
export class Reading implements WaitingReader {
  isPaused = false;
  isStarved = false;
  private readonly receiver: Receiver;
  private readonly memory: ClientMemory;
  private readonly socket: ReadSocket;
  /** Of the frame that is unfinished, masked, and of the message before it. */
  private frame: Blocks | undefined;
  private message: Blocks | undefined;
  /** Bytes of the unfinished frame that have not come. */
  private missing = 0;
  private mask = 0;
  private isParsing = false;
  private discards = false;

  constructor(receiver: object, memory: ClientMemory, socket: ReadSocket) {
    this.receiver = receiver as Receiver;
    this.memory = memory;
    this.socket = socket;
    this.receiver[READING] = this;
    this.receiver._write = write;
    this.receiver.dataMessage = dataMessage;
    this.receiver.decompress = decompress;
  }

  /** Bytes that are held of a message whose end has not come, as what they cost. */
  get unfinished(): number {
    return (this.frame?.cost ?? 0) + (this.message?.cost ?? 0) + (this.isPaused ? 0 : this.receiver._bufferedBytes);
  }

  pause(): void {
    this.isPaused = true;
    this.socket.stop();
  }

  /** First what has been read already, then the socket. */
  resume(): void {
    this.isPaused = false;
    this.goOn();
  }

  /** There is memory again. */
  feed(): void {
    this.isStarved = false;
    this.goOn();
  }

  /** The socket is closing: what is held is free at once, and what still comes is looked through for a close frame. */
  discard(): void {
    this.discards = true;
    this.release(this.frame);
    this.release(this.message);
    this.receiver._fragments = [];
    this.memory.forget(this);
    if (!this.isStarved) return;
    this.isStarved = false;
    this.goOn();
  }

  /** A chunk that was read. */
  take(chunk: Buffer, done: Done): void {
    const { receiver } = this;
    if (receiver._opcode === CLOSE && receiver._state === GET_INFO) {
      done();
      return;
    }
    if (chunk.length < this.missing) {
      this.missing -= chunk.length;
      this.keepOfFrame(chunk);
      done();
      return;
    }
    const rest = this.missing > 0 ? this.complete(chunk) : chunk;
    if (rest.length > 0) this.give(rest);
    if (this.isPaused) done();
    else this.parse(done);
  }

  /** A fragment, or the end of a message. */
  beforeMessage(): void {
    const { receiver, message } = this;
    if (this.discards) receiver._fragments = [];
    else if (!receiver._fin) this.keepFragment();
    else if (message !== undefined && message.length > 0) {
      const start = Buffer.allocUnsafe(message.length);
      this.memory.read(-message.cost);
      message.moveTo(start);
      receiver._fragments.unshift(start);
    }
  }

  /** What is wrong with a compressed message, which is whole now; undefined once it is inflated. */
  inflateMessage(): Error | undefined {
    const { receiver } = this;
    try {
      const data = this.discards ? EMPTY : inflate(receiver._fragments, receiver._maxPayload);
      receiver._fragments = [data];
      receiver._messageLength = data.length;
      return undefined;
    } catch (error) {
      if (isTooLarge(error))
        return receiver.createError(
          RangeError,
          'Max payload size exceeded',
          false,
          1009,
          'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
        );
      return receiver.createError(Error, 'invalid compressed data', false, 1007, 'WS_ERR_INVALID_DEFLATE');
    }
  }

  private goOn(): void {
    if (this.isPaused || this.isStarved || this.isParsing) return;
    if (this.receiver._bufferedBytes > 0) this.parse((error) => this.fail(error));
    if (!this.isPaused && !this.isStarved) this.socket.start();
  }

  private fail(error: Error | null | undefined): void {
    if (error instanceof Error) this.receiver.destroy(error);
  }

  private parse(done: Done): void {
    this.isParsing = true;
    try {
      this.receiver.startLoop(done);
    } finally {
      this.isParsing = false;
    }
    this.keepRest();
  }

  /** The beginning of a frame, as far as it is in the chunk. */
  private keepRest(): void {
    const { receiver } = this;
    if (receiver._errored || receiver._state !== GET_DATA || receiver._bufferedBytes >= receiver._payloadLength) return;
    this.missing = receiver._payloadLength - receiver._bufferedBytes;
    // As a number: the four bytes are a view of the chunk, and would keep all of it.
    this.mask = receiver._mask?.readUInt32BE(0) ?? 0;
    receiver._mask = undefined;
    for (const piece of receiver._buffers) this.keepOfFrame(piece);
    receiver._buffers.length = 0;
    receiver._bufferedBytes = 0;
  }

  private keepOfFrame(piece: Buffer): void {
    if (this.isDiscarding) return;
    this.frame ??= new Blocks();
    this.keep(this.frame, piece);
  }

  private keepFragment(): void {
    const fragment = this.receiver._fragments.pop();
    if (fragment === undefined) return;
    this.message ??= new Blocks();
    this.keep(this.message, fragment);
  }

  private keep(blocks: Blocks, bytes: Buffer): void {
    const before = blocks.cost;
    blocks.append(bytes);
    if (blocks.cost === before) return;
    this.memory.read(blocks.cost - before);
    if (!this.memory.isFull || this.isStarved) return;
    this.isStarved = true;
    this.memory.wait(this);
    this.socket.stop();
  }

  private release(blocks: Blocks | undefined): void {
    if (blocks === undefined || blocks.cost === 0) return;
    const { cost } = blocks;
    blocks.clear();
    this.memory.read(-cost);
  }

  /** Gives the receiver the payload that is whole now; returns what is behind it. */
  private complete(chunk: Buffer): Buffer {
    const { receiver, frame, missing } = this;
    if (this.isDiscarding) receiver._payloadLength = 0;
    else {
      const payload = Buffer.allocUnsafe(receiver._payloadLength);
      chunk.copy(payload, payload.length - missing, 0, missing);
      if (frame !== undefined) {
        this.memory.read(-frame.cost);
        frame.moveTo(payload);
      }
      receiver._mask = Buffer.allocUnsafe(4);
      receiver._mask.writeUInt32BE(this.mask);
      this.give(payload);
    }
    this.missing = 0;
    return chunk.subarray(missing);
  }

  private give(bytes: Buffer): void {
    this.receiver._buffers.push(bytes);
    this.receiver._bufferedBytes += bytes.length;
  }

  /** A control frame is always heard. */
  private get isDiscarding(): boolean {
    return this.discards && this.receiver._opcode < CONTROL;
  }
}

function write(this: Writable, chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
  (this as Receiver)[READING].take(chunk, done);
}

/** A fragment of a compressed message. */
function decompress(this: Receiver, data: Buffer, done: Done): void {
  if (data.length > 0) this._fragments.push(data);
  this.dataMessage(done);
}

function dataMessage(this: Receiver, done: Done): void {
  const reading = this[READING];
  reading.beforeMessage();
  const mistake = this._fin && this._compressed ? reading.inflateMessage() : undefined;
  if (mistake !== undefined) {
    done(mistake);
    return;
  }
  Original.dataMessage.call(this, done);
  if (reading.isPaused) this._loop = false;
}
