import { NEVER, Subject } from 'rxjs';
import type { CodecSpec, SinkSpec, SourceSpec } from '../../../../src/sdk/define.ts';
import {
  Batch,
  type Codec,
  defineCodec,
  defineSink,
  defineSource,
  Message,
  type Sink,
  type Source,
  TidegateError,
  z,
} from '../../../../src/sdk/index.ts';

/* Sinks, sources and codecs with one mistake each. `fates` says what their other side does. */

const part = { summary: 'Broken.', config: z.strictObject({}), examples: [{}] };
const REFUSED = new TidegateError('TG_RECORD_REFUSED', 'refused');

const sink = (name: string, write: Sink['write'], more: Partial<Sink> = {}): SinkSpec =>
  defineSink({
    ...part,
    name,
    reaches: 'records',
    create: () => ({ open: async () => {}, write, idle: true, idle$: NEVER, close: async () => {}, ...more }),
  }) as unknown as SinkSpec;

/** Acks what it has nacked. */
export const settlesTwice = sink('settles_twice', (batch) => {
  setImmediate(() => {
    for (const message of batch.messages) if (message.payload.length === 0) message.nack(REFUSED);
    batch.ack();
  });
});

/** Has no answer to a refusal. */
export const forgetsFailures = sink('forgets_failures', ({ messages }) => {
  const post = async (message: Message) => {
    if (message.payload.length === 0) throw REFUSED;
    message.ack();
  };
  for (const message of messages) post(message).catch(() => {});
});

/** Lets the pipeline wait. */
export const waitsInWrite = sink('waits_in_write', (async (batch: Batch) => batch.ack()) as unknown as Sink['write']);

/** Is never idle again. */
export const neverIdle = sink('never_idle', (batch) => batch.ack(), { idle: false });

/** Throws in close while something is in flight. */
export const refusesToClose = sink('refuses_to_close', (batch) => void setImmediate(() => batch.ack()), {
  close: () => new Promise(() => {}),
});

const source = (name: string, create: () => Source): SourceSpec =>
  defineSource({ ...part, name, sharing: () => 'own', create }) as unknown as SourceSpec;

/** What the broken sources read of. */
const arrivals = new Subject<Buffer>();

export function arrive(contents: readonly { readonly payload: Buffer }[]): void {
  for (const { payload } of contents) arrivals.next(payload);
}

interface SourceHabits {
  readonly readsAtOnce?: boolean;
  readonly neverPauses?: boolean;
  readonly readsOn?: boolean;
  readonly repeats?: boolean;
}

function reading(habits: SourceHabits): Source {
  const batches$ = new Subject<Batch>();
  let isReading = habits.readsAtOnce === true;
  let isClosed = false;
  const last: Message[] = [];
  arrivals.subscribe((payload) => {
    if (!isReading || (isClosed && habits.readsOn !== true)) return;
    const message = new Message(payload);
    last.push(message);
    batches$.next(new Batch(habits.repeats === true ? [...last] : [message]));
  });
  return {
    batches$,
    open: async () => {
      isReading = true;
    },
    pause: () => {
      if (habits.neverPauses !== true) isReading = false;
    },
    resume: () => {
      isReading = true;
    },
    close: async () => {
      isClosed = true;
    },
  };
}

export const readsAsAsked = source('reads_as_asked', () => reading({}));
export const readsAtOnce = source('reads_at_once', () => reading({ readsAtOnce: true }));
export const neverPauses = source('never_pauses', () => reading({ neverPauses: true }));
export const readsOn = source('reads_on', () => reading({ readsOn: true }));
export const repeats = source('repeats', () => reading({ repeats: true }));

const codec = (name: string, changes: Partial<Codec<unknown>>): CodecSpec =>
  defineCodec({
    ...part,
    name,
    create: (): Codec<unknown> => ({
      answers: false,
      open: () => ({ state: undefined, effects: [] }),
      frame: (_state, data) => [{ type: 'publish', message: { payload: data } }],
      settled: () => null,
      record: ({ payload }) => ({ data: payload, binary: true }),
      dropped: () => null,
      ...changes,
    }),
  });

/** Reads a length that is not there. */
export const readsTooFar = codec('reads_too_far', {
  frame: (_state, data) => [{ type: 'publish', message: { payload: data.subarray(data.readUInt8(0)) } }],
});

/** Writes headers, and does not read them. */
export const losesHeaders = codec('loses_headers', {
  record: ({ payload, headers }) => ({
    data: JSON.stringify({ payload: payload.toString('base64'), headers: headers.map(([name]) => name) }),
    binary: false,
  }),
  frame: (_state, data) => {
    try {
      const { payload } = JSON.parse(data.toString()) as { payload: string };
      return [{ type: 'publish', message: { payload: Buffer.from(payload, 'base64') } }];
    } catch {
      return [{ type: 'close', code: 1007, reason: 'not JSON' }];
    }
  },
});

/** Sends bytes as text. */
export const sendsBytesAsText = codec('sends_bytes_as_text', {
  record: ({ payload }) => ({ data: payload, binary: false }),
});

/** Closes with a code that is not for close frames. */
export const closesStrangely = codec('closes_strangely', {
  frame: (_state, data) => (data.length === 0 ? [{ type: 'close', code: 1006, reason: '' }] : []),
});

/** Answers good news only. */
export const answersSome = codec('answers_some', {
  answers: true,
  settled: (_state, _id, rejection) => (rejection === null ? { data: 'ok', binary: false } : null),
});

let connections = 0;
/** Numbers the connections of all endpoints. */
export const numbersConnections = codec('numbers_connections', {
  open: () => ({
    state: undefined,
    effects: [{ type: 'reply', frame: { data: `you are number ${++connections}`, binary: false } }],
  }),
});
