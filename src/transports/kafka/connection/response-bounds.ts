import Connection from 'kafkajs/src/network/connection.js';
import { reasonOf } from '../../../core/errors.ts';
import { formatSize } from '../../../core/units.ts';

const MIB = 1_048_576;
/** Bytes of an answer's length, which is in front of it. */
const LENGTH_BYTES = 4;
/** An answer begins with the number of what it answers. */
const SHORTEST = 4;
/** What a broker takes as one request (socket.request.max.bytes), and so the largest batch that it can have to give. */
const LARGEST_FETCH = 100 * MIB;
/** The list of 100,000 partitions has some 10 MiB. */
const LARGEST = 32 * MIB;
/** What listens at the address may be anything, until it has answered these. */
const LARGEST_GREETING = MIB;
const GREETINGS: ReadonlySet<string> = new Set(['ApiVersions', 'SaslHandshake', 'SaslAuthenticate']);

const bounded = Symbol.for('tidegate.kafkajs.response-bounds');

/**
 * Bounds what a connection of kafkajs buffers: an answer is as long as its first four bytes say, up to 2 GiB, and all of it is
 * kept before it is looked at. What cannot be an answer ends the connection; kafkajs would end the process.
 */
export function boundResponses(): void {
  const prototype = Connection.prototype as Connection & { [bounded]?: true };
  if (prototype[bounded]) return;
  const processData = prototype.processData;
  prototype.processData = function processWithinBounds(this: Connection, data: Buffer) {
    // It goes on in another array once it has taken something from this one.
    const { chunks } = this;
    try {
      processData.call(this, data);
    } catch (error) {
      const length = impossibleLength(chunks);
      const why =
        length === undefined ? reasonOf(error) : `it announced ${length} bytes, and one has ${SHORTEST} or more`;
      giveUp(this, `${this.host}:${this.port} sent what is not an answer of Kafka: ${why}`);
      return;
    }
    const length = this.bytesNeeded - LENGTH_BYTES;
    const most = largest(this);
    if (length <= most) return;
    giveUp(
      this,
      `${this.host}:${this.port} announced an answer of ${length} bytes, and at most ${formatSize(most)} are read; ` +
        'it may not be a Kafka broker, or expect TLS',
    );
  };
  prototype[bounded] = true;
}

/** The first length in these bytes that no answer can have, where there is one. */
function impossibleLength(chunks: readonly Buffer[]): number | undefined {
  const bytes = Buffer.concat(chunks);
  for (let at = 0; at + LENGTH_BYTES <= bytes.length; ) {
    const length = bytes.readInt32BE(at);
    if (length < SHORTEST) return length;
    at += LENGTH_BYTES + length;
  }
  return undefined;
}

/** In bytes, by what was asked for. */
function largest({ requestQueue }: Connection): number {
  let most = LARGEST_GREETING;
  for (const { entry } of requestQueue.inflight.values()) {
    if (entry.apiName === 'Fetch') return LARGEST_FETCH;
    if (!GREETINGS.has(entry.apiName)) most = LARGEST;
  }
  return most;
}

function giveUp(connection: Connection, reason: string): void {
  connection.chunks = [];
  connection.bytesBuffered = 0;
  connection.bytesNeeded = LENGTH_BYTES;
  connection.socket?.destroy(new Error(reason));
}
