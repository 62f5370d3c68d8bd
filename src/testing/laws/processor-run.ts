import type { Processor, ProcessorCall } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import { Message, type SettleTarget } from '../../core/message.ts';
import type { ProcessorSpec } from '../../sdk/define.ts';
import { makeComponent } from '../../sdk/make.ts';
import type { MessageContent } from '../arbitraries/message.ts';
import type { TestClock } from '../simulation/test-clock.ts';
import { breachIn } from './breach.ts';
import { type ComponentLawOptions, gatewayOf } from './component.ts';
import { ending } from './ending.ts';
import type { Settings } from './law.ts';
import { shownMessage } from './shown.ts';

/** A processor in use, on a clock that moves only when it is moved. */
export interface OpenProcessor {
  readonly processor: Processor;
  readonly clock: TestClock;
  readonly timeout: number | undefined;
}

/** What a processor did with one message. */
export interface Made {
  readonly message: Message;
  /** What it returned, or undefined where it threw. */
  readonly result: unknown;
  readonly thrown: { readonly error: unknown } | undefined;
  /** How often the message had been settled when `process` ended. */
  readonly settledBefore: number;
  /** How often it has been settled now. */
  readonly settled: () => number;
}

/** What the engine would give beside each message: its pipeline goes on. */
export const CALL: ProcessorCall = { signal: new AbortController().signal };

export async function openProcessor(
  spec: ProcessorSpec,
  { parsed }: Settings,
  options: ComponentLawOptions,
): Promise<OpenProcessor> {
  const { context, clock } = gatewayOf(options);
  const processor = makeComponent(spec, parsed, context);
  const { timeout } = options;
  await ending(processor.open?.(), { clock, timeout }, 'open');
  return { processor, clock, timeout };
}

/** Lets it process one message, which has the place of a record of a topic. */
export async function make(
  { processor, clock, timeout }: OpenProcessor,
  content: MessageContent,
  offset = 0,
): Promise<Made> {
  let settled = 0;
  const target: SettleTarget = {
    settled: () => {
      settled += 1;
    },
  };
  const { payload, ...rest } = content;
  const place = { topic: 'law', partition: 0, offset, timestamp: clock.now() };
  const message = new Message(Buffer.from(payload), { ...rest, ...place, target });
  let result: unknown;
  let thrown: Made['thrown'];
  try {
    result = await ending(processor.process(message, CALL), { clock, timeout }, 'process');
  } catch (error) {
    if (breachIn(error) !== undefined) throw error;
    thrown = { error };
  }
  return { message, result, thrown, settledBefore: settled, settled: () => settled };
}

/** What became of a message, for comparisons. */
export function outcomeOf({ message, result, thrown }: Made): string {
  if (thrown !== undefined) {
    const { error } = thrown;
    const code = error instanceof TidegateError ? error.code : 'TG_PROCESSOR_FAILED';
    return `the failure ${code}: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (result === null) return 'nothing';
  const list: readonly unknown[] = Array.isArray(result) ? result : [result];
  return list.map((one) => (one instanceof Message ? contentText(one, message) : String(one))).join('; ');
}

/** All that a message says; its time only where it is not that of `like`. */
export function contentText(message: Message, like?: Message): string {
  const content = JSON.stringify(shownMessage(message));
  return message.timestamp === like?.timestamp ? content : `${content} at ${message.timestamp}`;
}

/** The messages that go on. */
export function passedOn({ result }: Made): Message[] {
  if (result instanceof Message) return [result];
  return Array.isArray(result) ? result.filter((one) => one instanceof Message) : [];
}
