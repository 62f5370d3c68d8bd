import assert from 'node:assert/strict';
import { Outbound } from '../../../../src/actors/endpoint/outbound.ts';
import { ClientMemory } from '../../../../src/core/client-memory.ts';
import type { WhenFull } from '../../../../src/core/send-queue.ts';
import { Written } from '../../../../src/core/shared-frame.ts';
import { FakeSocket } from '../fake-socket.ts';

type Reason = 'slow' | 'superseded' | 'closed';

/** Bytes in a network socket from which on records wait in the queue. */
export const FULL = 65_536;

/** The writing side of a socket; `asked`: how often the socket was to say when it is empty, `told`: what its owner learnt. */
export function setUp(whenFull: WhenFull = 'disconnect', queue = 1_000_000, memory = new ClientMemory()) {
  const socket = new FakeSocket();
  const drops: Partial<Record<Reason, number>> = { slow: 0, closed: 0 };
  const metrics = {
    framesSent: { value: 0 },
    bytesSent: { value: 0 },
    dropped: (reason: Reason, frames: number) => {
      if (frames > 0) drops[reason] = (drops[reason] ?? 0) + frames;
    },
    limited: (reason: string) => void told.push(reason),
  };
  const told: string[] = [];
  const woken: string[] = [];
  const owner = {
    isOpen: true,
    answersWereLeft: () => void told.push('left'),
    dismiss: () => void told.push('slow'),
    dropNotice: (count: number) => Buffer.from(`dropped ${count}`),
    wake: () => void woken.push('wake'),
    failed: (error: unknown) => assert.fail(String(error)),
  };
  const limits = { queue, whenFull };
  const tick = { schedule: () => void told.push('wait') };
  const outbound = new Outbound(socket, { limits, metrics, memory, tick } as never, owner);
  const asked: string[] = [];
  socket.notifyDrain = () => void asked.push('drain');
  const drain = () => {
    socket.buffered = 0;
    outbound.drained();
  };
  const sent = () => [metrics.framesSent.value, metrics.bytesSent.value];
  return { socket, outbound, asked, drain, told, woken, drops, sent, memory, limits };
}

export const bytes = (length: number, fill = 'x') => Buffer.alloc(length, fill);

/** Gives records to a peer, as one turn brings them. */
export const deliver = (outbound: Outbound, ...frames: Buffer[]) => outbound.deliver(new Written(frames));
