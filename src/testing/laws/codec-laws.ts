import fc from 'fast-check';
import type { Codec } from '../../core/component.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Frame } from '../../core/frame.ts';
import { textOrBase64 } from '../../core/headers.ts';
import { Message, type MessageInit } from '../../core/message.ts';
import type { CodecSpec } from '../../sdk/define.ts';
import { makeComponent } from '../../sdk/make.ts';
import { anyConnection } from '../arbitraries/connections.ts';
import { anyFrameContent, type FrameContent } from '../arbitraries/frames.ts';
import { anyContent, type MessageContent } from '../arbitraries/message.ts';
import { Breach, keeps } from './breach.ts';
import { checkEffects, checkFrame } from './codec-checks.ts';
import { CodecConnection, type CodecStep, NOW, shownOutputs } from './codec-run.ts';
import { type ComponentLawOptions, gatewayOf, settingsOf } from './component.ts';
import { type Law, lawOf, type Rule, type Settings } from './law.ts';
import { shownMessage } from './shown.ts';

/** What a record keeps when it goes out to a client that sends it back. */
export type Kept = 'payload' | 'key' | 'headers';

export interface CodecLawOptions extends ComponentLawOptions {
  /** Frames of clients to try, beside those of any kind. */
  readonly frames?: fc.Arbitrary<FrameContent>;
  /** What is the same when the frame of a record is read as that of a client. Left out: nothing is promised. */
  readonly roundTrip?: readonly Kept[];
  /** The frame by which a client would send what it got as a record. The same frame if left out. */
  readonly asClient?: (frame: Frame) => Frame;
}

interface Story {
  readonly connection: ConnectionInfo;
  readonly steps: readonly CodecStep[];
}

/** What every codec has to keep to. */
export function codecLaws(spec: CodecSpec, options: CodecLawOptions = {}): Law[] {
  const settings = settingsOf(spec, options);
  const codecOf = ({ parsed }: Settings): Codec => makeComponent(spec, parsed, gatewayOf(options).context);
  const stories = storiesOf(options.frames);
  const add = <T>(rule: Rule<Settings, T>) => lawOf(spec.name, options, settings, rule);
  const ofStory = (says: string, check: (codec: Codec, story: Story) => void, advice = THROWS): Law =>
    add({ says, inputs: stories, show: shownStory, advice, check: (one, story) => check(codecOf(one), story) });
  const ofRecord = (says: string, check: (codec: Codec, content: MessageContent) => void): Law =>
    add({
      says,
      inputs: options.messages ?? anyContent,
      show: shownMessage,
      advice: THROWS,
      check: (one, content) => check(codecOf(one), content),
    });
  const laws = [
    ofStory('throws nothing, whatever a client sends', (codec, story) => void told(codec, story)),
    ofStory('gives effects that can be carried out', (codec, story) => {
      for (const output of told(codec, story)) checkEffects(codec, output);
    }),
    ofStory('gives frames that can be sent', (codec, story) => {
      for (const { frame, step } of told(codec, story)) checkFrame(frame, `the frame of ${step}`);
    }),
    ofStory('answers each message if it answers', answersEach),
    ofStory('does the same with the same frames', (codec, story) => {
      same(told(codec, story), told(codec, story), 'at the second time');
    }),
    add({
      says: 'keeps connections apart',
      inputs: fc.tuple(stories, stories),
      show: (some) => some.map(shownStory),
      advice: THROWS,
      check: (one, [first, second]) => keepsApart(codecOf(one), first, second),
    }),
    ofRecord('gives a frame or null for any record', (codec, content) => {
      const message = messageOf(content);
      checkFrame(codec.record(message, NOW), 'a record');
      keeps(
        message.payload.equals(content.payload) && message.headers === content.headers,
        'record changed its message',
        'change a copy: the same message goes to all sockets of all endpoints',
      );
    }),
  ];
  const { roundTrip } = options;
  if (roundTrip === undefined) return laws;
  const back = ofRecord('reads what it has written', (codec, content) =>
    keepsContent(codec, content, roundTrip, options.asClient),
  );
  return [...laws, back];
}

const THROWS =
  'check what comes before you read it, and answer with a reply or a close: what a codec throws closes with 1011';

function storiesOf(frames: fc.Arbitrary<FrameContent> | undefined): fc.Arbitrary<Story> {
  const frame = frames === undefined ? anyFrameContent : fc.oneof({ weight: 3, arbitrary: frames }, anyFrameContent);
  const step: fc.Arbitrary<CodecStep> = fc.oneof(
    { weight: 4, arbitrary: frame.map((one): CodecStep => ({ type: 'frame', frame: one })) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('stored', 'filtered', 'dead_letter', 'rejected', 'busy')
        .map((outcome): CodecStep => ({ type: 'settled', outcome })),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 1_000 }).map((count): CodecStep => ({ type: 'dropped', count })),
    },
  );
  return fc.record({ connection: anyConnection, steps: fc.array(step, { maxLength: 12 }) });
}

function told(codec: Codec, { connection, steps }: Story) {
  const opened = new CodecConnection(codec, connection);
  for (const step of steps) opened.do(step);
  return opened.outputs;
}

function answersEach(codec: Codec, story: Story): void {
  if (!codec.answers) return;
  for (const { step, frame } of told(codec, story))
    keeps(
      step !== 'settled' || frame !== null,
      'settled gave null for a message',
      'return a frame for each message, or say answers: false: a client that waits for an answer sends again',
    );
}

function keepsApart(codec: Codec, first: Story, second: Story): void {
  const one = new CodecConnection(codec, first.connection);
  const other = new CodecConnection(codec, second.connection);
  const count = Math.max(first.steps.length, second.steps.length);
  for (let at = 0; at < count; at += 1) {
    const [ofOne, ofOther] = [first.steps[at], second.steps[at]];
    if (ofOne !== undefined) one.do(ofOne);
    if (ofOther !== undefined) other.do(ofOther);
  }
  same(one.outputs, told(codec, first), 'without another connection');
  same(other.outputs, told(codec, second), 'without another connection');
}

function same(one: Parameters<typeof shownOutputs>[0], other: typeof one, when: string): void {
  const [texts, others] = [shownOutputs(one), shownOutputs(other)];
  const at = texts.findIndex((text, index) => text !== others[index]);
  keeps(
    at < 0,
    `it gave ${texts[at]}, and ${others[at]} ${when}`,
    'keep what you know of a connection in its state, and nothing else: a codec is a pure function',
  );
}

function keepsContent(
  codec: Codec,
  content: MessageContent,
  kept: readonly Kept[],
  asClient = (frame: Frame): Frame => frame,
): void {
  const frame = codec.record(messageOf(content), NOW);
  if (frame === null) return;
  const { data, binary } = asClient(frame);
  const { state } = codec.open({ clientId: 'c', endpoint: 'law', params: {}, query: {} }, NOW);
  const effects = codec.frame(state, Buffer.from(data), binary, NOW);
  const published = effects.find((effect) => effect.type === 'publish');
  if (published === undefined)
    throw new Breach(
      `the frame of the record is ${JSON.stringify(textOrBase64(Buffer.from(data)))}, and is not published when it comes back`,
      'read each frame that record gives, or leave roundTrip out',
    );
  for (const part of kept) {
    const [was, is] = [shownPart(content, part), shownPart(published.message, part)];
    keeps(
      was === is,
      `the ${part} ${part === 'headers' ? 'were' : 'was'} ${was}, and came back as ${is}`,
      `write and read the ${part} alike, or leave it out of roundTrip`,
    );
  }
}

function shownPart({ payload, key, headers }: MessageInit & { readonly payload: Buffer }, part: Kept): string {
  if (part === 'payload') return JSON.stringify(textOrBase64(payload));
  if (part === 'key') return JSON.stringify(key?.toString() ?? null);
  return JSON.stringify((headers ?? []).map(([name, value]) => [name, value?.toString() ?? null]));
}

function shownStory({ connection, steps }: Story): unknown {
  const shown = steps.map((step) =>
    step.type === 'frame'
      ? { [step.frame.binary ? 'binary' : 'text']: textOrBase64(step.frame.data) }
      : { [step.type]: step.type === 'dropped' ? step.count : step.outcome },
  );
  return { connection, steps: shown };
}

function messageOf({ payload, ...rest }: MessageContent): Message {
  return new Message(Buffer.from(payload), { ...rest, timestamp: NOW });
}
