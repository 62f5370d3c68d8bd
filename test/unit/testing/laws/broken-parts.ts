import { map, type Observable } from 'rxjs';
import type { PartitionOperator, PartitionPort } from '../../../../src/core/stateful-operator.ts';
import type { OperatorSpec, ProcessorSpec } from '../../../../src/sdk/define.ts';
import {
  Batch,
  defineOperator,
  defineProcessor,
  Message,
  type OperatorHost,
  type Processor,
  z,
} from '../../../../src/sdk/index.ts';

/* Processors and operators with one mistake each, as authors of plugins make them. */

const part = { summary: 'Broken.', config: z.strictObject({}), examples: [{}] };

const processor = (name: string, create: () => Processor): ProcessorSpec =>
  defineProcessor({ ...part, name, create }) as unknown as ProcessorSpec;

/** Writes into the value that it was given. */
export const stampsInPlace = processor('stamps_in_place', () => ({
  process: (message) => {
    const json = message.json as Record<string, unknown> | null;
    if (json !== null && typeof json === 'object') json.seen = true;
    return message;
  },
}));

/** Forgets to give anything for some messages. */
export const forgetsToReturn = processor('forgets_to_return', () => ({
  process: (message) => (message.payload.length === 0 ? (undefined as never) : message),
}));

/** Drops messages by settling them. */
export const dropsByAcking = processor('drops_by_acking', () => ({
  process: (message) => {
    if (message.key !== null) return message;
    message.ack('filtered');
    return null;
  },
}));

/** Makes a message out of nothing. */
export const startsAnew = processor('starts_anew', () => ({
  process: ({ payload, key }) => new Message(payload, { key }),
}));

/** Passes on one part of several. */
export const losesParts = processor('loses_parts', () => ({
  process: (message) => message.split([{ payload: message.payload }, { payload: message.payload }]).slice(0, 1),
}));

/** Waits for an answer that never comes. */
export const neverEnds = processor('never_ends', () => ({
  process: (message) => (message.key === 'b' ? new Promise<Message>(() => {}) : message),
}));

/** Throws what says nothing. */
export const throwsText = processor('throws_text', () => ({
  process: (message) => {
    if (message.key === 'c') throw 'no';
    return message;
  },
}));

let calls = 0;
/** Counts for all of its instances. */
export const countsGlobally = processor('counts_globally', () => ({
  process: (message) => message.derive({ headers: [['n', String(calls++)]] }),
}));

/** Remembers the message before. */
export const remembersLast = processor('remembers_last', () => {
  let last = '';
  return {
    process: (message) => {
      const headers: [string, string][] = [['before', last]];
      last = message.text;
      return message.derive({ headers });
    },
  };
});

type Flow = (batches$: Observable<Batch>, host: OperatorHost) => Observable<Batch>;

const passing = (name: string, apply: () => Flow): OperatorSpec =>
  defineOperator({ ...part, name, stateful: false, create: () => ({ apply: apply() }) }) as unknown as OperatorSpec;

/** Passes on the first of each batch, and forgets the others. */
export const losesMessages = passing(
  'loses_messages',
  () => (batches$) =>
    batches$.pipe(map(({ messages }) => new Batch(messages.filter((message, at) => at === 0 && !message.isSettled)))),
);

/** Turns each batch round. */
export const reorders = passing(
  'reorders',
  () => (batches$) =>
    batches$.pipe(map(({ messages }) => new Batch(messages.filter(({ isSettled }) => !isSettled).reverse()))),
);

/** Ends a message and passes it on. */
export const filtersAndPasses = passing(
  'filters_and_passes',
  () => (batches$, host) =>
    batches$.pipe(
      map(({ messages }) => {
        for (const message of messages) if (message.key === 'a') host.filter(message);
        return new Batch(messages);
      }),
    ),
);

interface Minute {
  count: number;
  readonly holds: ReturnType<PartitionPort['hold']>[];
}

interface Habits {
  readonly forgetsHolds?: boolean;
  readonly keepsMinutes?: boolean;
  readonly givesAtOnce?: boolean;
  readonly holdsNothing?: boolean;
  readonly saysNothing?: boolean;
  readonly acksRecords?: boolean;
}

const MINUTE = 60_000;

/** Counts the records of each minute, as the example of docs/plugins.md does. */
function minutes(port: PartitionPort, habits: Habits): PartitionOperator {
  const open = new Map<number, Minute>();
  let kept = 0;
  const end = (at: number, { count, holds }: Minute) => {
    open.delete(at);
    if (habits.keepsMinutes !== true) kept -= 1;
    const result = new Message(Buffer.from(JSON.stringify({ at, count })), { key: String(at), timestamp: at });
    const done = () => {
      if (habits.forgetsHolds !== true) for (const hold of holds) port.release(hold);
    };
    port.give({ end: at, results: [result], done });
  };
  return {
    take(record, time) {
      const at = (Math.floor(time / MINUTE) + 1) * MINUTE;
      if (at <= port.watermark) {
        port.late(record);
        return undefined;
      }
      const minute = open.get(at) ?? { count: 0, holds: [] };
      if (!open.has(at)) kept += 1;
      open.set(at, minute);
      minute.count += 1;
      if (habits.holdsNothing !== true && minute.holds.length === 0) minute.holds.push(port.hold(record));
      if (habits.acksRecords === true) record.ack();
      if (habits.givesAtOnce === true) end(at, minute);
      return undefined;
    },
    advance() {
      const ended = [...open].filter(([at]) => at <= port.watermark);
      for (const [at, minute] of ended.sort(([one], [other]) => one - other)) end(at, minute);
    },
    get size() {
      return habits.saysNothing === true ? { keys: 0, bytes: 0 } : { keys: kept, bytes: 100 * kept };
    },
  };
}

const counting = (name: string, habits: Habits): OperatorSpec =>
  defineOperator({
    ...part,
    name,
    stateful: true,
    needsGroup: true,
    create: () => ({
      lateness: 0,
      idle: undefined,
      timeOf: async ({ timestamp }: Message) => timestamp,
      partition: (port: PartitionPort) => minutes(port, habits),
    }),
  }) as unknown as OperatorSpec;

export const countsMinutes = counting('counts_minutes', {});
export const forgetsHolds = counting('forgets_holds', { forgetsHolds: true });
export const keepsMinutes = counting('keeps_minutes', { keepsMinutes: true });
export const givesAtOnce = counting('gives_at_once', { givesAtOnce: true });
export const holdsNothing = counting('holds_nothing', { holdsNothing: true });
export const saysNothing = counting('says_nothing', { saysNothing: true });
export const acksRecords = counting('acks_records', { acksRecords: true });
