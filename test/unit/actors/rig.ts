import type { TestContext } from 'node:test';
import { Subscription } from 'rxjs';
import type { JoinRequest } from '../../../src/actors/endpoint/connection-info.ts';
import { Endpoint } from '../../../src/actors/endpoint/endpoint.ts';
import type { EndpointOptions } from '../../../src/actors/endpoint/endpoint-context.ts';
import type { Access } from '../../../src/core/access.ts';
import type { Batch } from '../../../src/core/batch.ts';
import type { Codec } from '../../../src/core/component.ts';
import type { Rejection } from '../../../src/core/errors.ts';
import type { Frame } from '../../../src/core/frame.ts';
import type { Message } from '../../../src/core/message.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { HandClock } from '../core/hand-clock.ts';
import { FakeSocket } from './fake-socket.ts';

/** A logger that keeps its lines. */
export function keptLogger() {
  const lines: { level: string; facts: object; text: string }[] = [];
  const line = (level: string) => (facts: object, text: string) => {
    lines.push({ level, facts, text });
  };
  const logger: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => logger,
  };
  const of = (level: string) => lines.filter((each) => each.level === level).map(({ text }) => text);
  return { logger, lines, errors: () => of('error'), warnings: () => of('warn'), infos: () => of('info') };
}

const text = (data: string): Frame => ({ data, binary: false });

/**
 * A wire protocol of short words: `welcome ID` at first; `!close` and `!throw` do what they say, `?x` is refused, all
 * else is published and answered by `ack x` or `nack x CODE`.
 */
export function wordCodec(changes: Partial<Codec<null>> = {}): Codec {
  const codec: Codec<null> = {
    answers: true,
    open: ({ clientId }) => ({
      state: null,
      effects: [{ type: 'reply', frame: text(`welcome ${clientId.length > 0 ? 'you' : ''}`) }],
    }),
    frame(_state, data) {
      const word = data.toString();
      if (word === '!throw') throw new Error('codec bug');
      if (word === '!close') return [{ type: 'close', code: 4001, reason: 'as asked' }];
      if (word.startsWith('?')) return [{ type: 'reply', frame: text(`refused ${word}`), rejected: 'question' }];
      return [{ type: 'publish', message: { payload: data }, correlation: word }];
    },
    settled: (_state, word, rejection: Rejection | null) =>
      text(rejection === null ? `ack ${word}` : `nack ${word} ${rejection.code}`),
    record: (message) => text(message.text),
    dropped: (count) => text(`dropped ${count}`),
    ...changes,
  };
  return codec as Codec;
}

/** Frames on the fake wire: the text and a bar, so that one write shows which frames it held. */
export const encode = ({ data }: Frame): Buffer => Buffer.from(`${data}|`);

/** One whole turn of the event loop, after which everything of this turn has been passed on. */
export const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

/** An endpoint with a pipeline that keeps what it gets, open from the start unless `isOpen` is false. */
export function endpointRig(t: TestContext, changes: Partial<EndpointOptions> = {}, isOpen = true) {
  const stats = createStats();
  const kept = keptLogger();
  const clock = new HandClock();
  const endpoint = new Endpoint({
    name: 'rooms',
    codec: wordCodec(),
    limits: { messages: 100, bytes: 1_000_000, queue: 1_000, whenFull: 'disconnect' },
    sweep: { pingInterval: 20, pingTimeout: 10, frameTimeout: 30, stallTimeout: 30 },
    encode,
    clock,
    logger: kept.logger,
    stats,
    tracing: NO_TRACING,
    ...changes,
  });
  const batches: Batch[] = [];
  const open = () => {
    const subscription = endpoint.received$.subscribe((batch) => batches.push(batch));
    endpoint.resume();
    return subscription;
  };
  const subscription = isOpen ? open() : Subscription.EMPTY;
  t.after(async () => {
    if (endpoint.actor.getSnapshot().status !== 'active') return;
    const drained = endpoint.drain(0);
    endpoint.cut();
    for (const socket of sockets) socket.closes(1006);
    await drained;
  });
  const sockets: FakeSocket[] = [];
  const join = async (socket: FakeSocket, access?: Access, request: Partial<JoinRequest> = {}) => {
    sockets.push(socket);
    endpoint.join(socket, { params: {}, query: {}, ...request }, undefined, undefined, access);
    await turn();
    return socket;
  };
  const connect = async (access?: Access) => {
    const socket = await join(new FakeSocket(), access);
    socket.taken();
    return socket;
  };
  const messages = (): Message[] => batches.flatMap((batch) => batch.messages);
  const figure = (name: Parameters<typeof stats.counter>[0], labels: Record<string, string> = {}) =>
    stats.counter(name, { endpoint: 'rooms', ...labels }).value;
  return { endpoint, batches, messages, subscription, join, connect, stats, figure, clock, ...kept };
}
