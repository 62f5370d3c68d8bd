import type { Clock } from '../../../../src/core/clock.ts';
import { Message, type MessageInit } from '../../../../src/core/message.ts';
import { lookup } from '../../../../src/pipelines/processors/lookup/lookup.ts';
import { makeComponent } from '../../../../src/sdk/make.ts';
import { fakeContext } from '../parts.ts';

/** A lookup with these settings, and what it does with a payload. */
export function lookupOf(settings: object, clock?: Clock) {
  const fake = fakeContext();
  const context = clock === undefined ? fake.context : { ...fake.context, clock };
  const processor = makeComponent(lookup, lookup.config.parse(settings), context);
  const process = async (payload: string, init: MessageInit = {}) => {
    const made = await processor.process(new Message(Buffer.from(payload), init));
    return (made as Message | null)?.text ?? null;
  };
  const count = (name: Parameters<typeof context.stats.counter>[0], labels = {}) =>
    context.stats.counter(name, { place: context.path, ...labels }).value;
  return { ...fake, processor, process, count };
}

/** What is wrong with these settings. */
export function mistakesIn(settings: object): string[] {
  const { error } = lookup.config.safeParse(settings);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}
