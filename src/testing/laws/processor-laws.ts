import fc from 'fast-check';
import { writeJson } from '../../core/exact-number.ts';
import { Message } from '../../core/message.ts';
import type { ProcessorSpec } from '../../sdk/define.ts';
import { anyContent, type MessageContent } from '../arbitraries/message.ts';
import { keeps } from './breach.ts';
import { type ComponentLawOptions, exampleContents, settingsOf } from './component.ts';
import { ending, isPromise } from './ending.ts';
import { type Law, lawOf, type Rule, type Settings } from './law.ts';
import {
  CALL,
  contentText,
  type Made,
  make,
  type OpenProcessor,
  openProcessor,
  outcomeOf,
  passedOn,
} from './processor-run.ts';
import { shownMessage } from './shown.ts';

export interface ProcessorLawOptions extends ComponentLawOptions {
  /** Whether equal messages always give equal results. False for one that depends on time, chance or another system. */
  readonly isRepeatable?: boolean;
}

type ProcessorRule = Omit<Rule<Settings, readonly MessageContent[]>, 'inputs' | 'show' | 'advice'>;

const RESULTS = 'return the message itself, one made with derive, a list made with split, or null';

/** What every processor has to keep to. Each law is a title and a function that rejects with a LawError. */
export function processorLaws(spec: ProcessorSpec, options: ProcessorLawOptions = {}): Law[] {
  const known = exampleContents(spec);
  const any = known.length === 0 ? anyContent : fc.oneof(anyContent, fc.constantFrom(...known));
  const inputs = fc.array(options.messages ?? any, { minLength: 1, maxLength: 6 });
  const settings = settingsOf(spec, options);
  const shared = { inputs, show: (some: readonly MessageContent[]) => some.map(shownMessage), advice: RESULTS };
  return rulesFor(spec, options).map((rule) => lawOf(spec.name, options, settings, { ...shared, ...rule }));
}

function rulesFor(spec: ProcessorSpec, options: ProcessorLawOptions): ProcessorRule[] {
  const open = (settings: Settings) => openProcessor(spec, settings, options);
  const each = (says: string, check: (made: Made, opened: OpenProcessor) => Promise<void> | void): ProcessorRule => ({
    says,
    check: async (settings, contents) => {
      const opened = await open(settings);
      for (const [at, content] of contents.entries()) await check(await make(opened, content, at), opened);
    },
  });
  const all = async (opened: OpenProcessor, contents: readonly MessageContent[]) => {
    const outcomes: string[] = [];
    for (const [at, content] of contents.entries()) outcomes.push(outcomeOf(await make(opened, content, at)));
    return outcomes;
  };
  const rules: ProcessorRule[] = [
    { says: 'ends', check: async (settings, contents) => closes(await open(settings), contents) },
    { says: 'leaves its input as it is', check: (settings, contents) => leavesInput(open(settings), contents) },
    each('returns what may go on', returnsMessages),
    each('makes what goes on from its message', keepsSource),
    each('settles nothing by itself', settlesNothing),
    each('hands on the duty to settle', handsOnDuty),
    each('throws errors that say why', throwsErrors),
  ];
  if (options.isRepeatable === false) return rules;
  return [
    ...rules,
    {
      says: 'does the same with the same message',
      check: async (settings, contents) =>
        same(
          await all(await open(settings), contents),
          await all(await open(settings), contents),
          'another instance made of the same messages',
          'take nothing from clocks, chance or variables outside of the instance, or say isRepeatable: false to the laws',
        ),
    },
    {
      says: 'treats each message by itself',
      check: async (settings, contents) => {
        const apart: string[] = [];
        for (const [at, content] of contents.entries())
          apart.push(outcomeOf(await make(await open(settings), content, at)));
        same(
          await all(await open(settings), contents),
          apart,
          'an instance for each message made',
          'remember nothing of earlier messages; what needs them is an operator',
        );
      },
    },
    {
      says: 'does the same with several messages at a time',
      check: async (settings, contents) => {
        const opened = await open(settings);
        if ((opened.processor.concurrency ?? 1) === 1) return;
        const made = await Promise.all(contents.map((content, at) => make(opened, content, at)));
        same(
          await all(await open(settings), contents),
          made.map(outcomeOf),
          'several at a time made',
          'keep what belongs to a message in variables of its own call, or leave concurrency out',
        );
      },
    },
  ];
}

async function leavesInput(opening: Promise<OpenProcessor>, contents: readonly MessageContent[]): Promise<void> {
  const { processor, clock, timeout } = await opening;
  for (const content of contents) {
    const { payload, ...rest } = content;
    const message = new Message(Buffer.from(payload), { ...rest, timestamp: clock.now() });
    const values = parsedValues(message);
    const before = [contentText(message, message), ...values.map(writeJson)];
    try {
      await ending(processor.process(message, CALL), { clock, timeout }, 'process');
    } catch {
      // What it throws is for other laws.
    }
    const after = [contentText(message, message), ...values.map(writeJson)];
    const at = after.findIndex((text, index) => text !== before[index]);
    const what = at === 0 ? 'the message' : 'the value of message.json';
    keeps(
      at < 0,
      `${what} was ${before[at]} and is ${after[at]} now`,
      'change a copy: message.derive({ json: { ...message.json, ... } }); a retry and a catch get the same message again',
    );
  }
}

/** The values that a processor gets of the payload, as long as it asks for them: the same objects. */
function parsedValues(message: Message): unknown[] {
  try {
    return [message.json, message.plainJson];
  } catch {
    return [];
  }
}

function returnsMessages({ result, thrown }: Made): void {
  if (thrown !== undefined || result === null || result instanceof Message) return;
  const strange = Array.isArray(result) ? result.find((one) => !(one instanceof Message)) : result;
  const isList = Array.isArray(result);
  keeps(
    isList && strange === undefined && !result.includes(undefined),
    `process gave ${isList ? `a list with ${kindOf(strange)} in it` : kindOf(result)}`,
    RESULTS,
  );
}

function keepsSource(made: Made): void {
  const { message } = made;
  for (const next of passedOn(made))
    keeps(
      next === message || next.source === message,
      `${textOf(shownMessage(next))} goes on, and was not made from the message`,
      'use message.derive and message.split in place of new Message: the pipeline refuses what it cannot trace to its source',
    );
}

function settlesNothing({ result, settledBefore }: Made): void {
  // An empty list of split has acked its message: that is what it is for.
  const isSplitIntoNone = Array.isArray(result) && result.length === 0;
  keeps(
    settledBefore === 0 || isSplitIntoNone,
    'the message was settled when process ended',
    'return null for a message that ends here, and throw for one that fails; the pipeline settles it',
  );
}

function handsOnDuty(made: Made): void {
  const { thrown, settledBefore, settled } = made;
  if (thrown !== undefined || settledBefore > 0) return;
  const next = passedOn(made);
  if (next.length === 0) return;
  for (const message of next) message.ack();
  keeps(
    settled() === 1,
    `all that goes on was acked, and the message was settled ${settled()} times`,
    'return every message that split gave, and only the last one that derive gave',
  );
}

function throwsErrors({ thrown }: Made): void {
  if (thrown === undefined) return;
  const { error } = thrown;
  keeps(
    error instanceof Error && error.message !== '',
    `process threw ${error instanceof Error ? 'an error without a message' : kindOf(error)}`,
    'throw new TidegateError(code, message), which says what is wrong with the message and what to do',
  );
}

async function closes(opened: OpenProcessor, contents: readonly MessageContent[]): Promise<void> {
  for (const [at, content] of contents.entries()) await make(opened, content, at);
  const closed: unknown = opened.processor.close?.();
  keeps(
    !isPromise(closed),
    'close gave a promise, which the pipeline does not wait for',
    'let close begin the end, and return nothing',
  );
}

function same(one: readonly string[], other: readonly string[], who: string, advice: string): void {
  const at = one.findIndex((outcome, index) => outcome !== other[index]);
  keeps(at < 0, `of message ${at + 1} it made ${one[at]}, and ${who} ${other[at]}`, advice);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object'
    ? `an object (${Object.prototype.toString.call(value).slice(8, -1)})`
    : `${typeof value} ${String(value)}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
}
