import { Message } from '../../core/message.ts';
import { isMadeOf, type Step } from '../../sdk/connect-messages.ts';

/** Whether a message is made of symbols: then it is sent for those of a connection, and again for new ones. */
export function isOfSymbols(step: Step): boolean {
  return isMadeOf(step, 'shard');
}

/** The messages with those of symbols once for each `perMessage` symbols; undefined: once for all. None without symbols. */
export function stepsFor(steps: readonly Step[], symbols: readonly string[], perMessage: number | undefined): Step[] {
  const size = perMessage ?? Math.max(1, symbols.length);
  const chunks: string[][] = [];
  for (let at = 0; at < symbols.length; at += size) chunks.push(symbols.slice(at, at + size));
  return steps.flatMap((step) => (isOfSymbols(step) ? chunks.map((chunk) => stepOf(step, chunk)) : [step]));
}

function stepOf(step: Step, symbols: readonly string[]): Step {
  const { send } = step;
  if (send === undefined) return step;
  const shard = { symbols, symbol: symbols[0] };
  const make = ({ payload, meta }: Message) => send(new Message(payload, { meta: { ...meta, shard } }));
  return { ...step, send: Object.assign(make, { ...send }) };
}
