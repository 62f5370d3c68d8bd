import type { Sink } from '../../core/component.ts';
import type { Message } from '../../core/message.ts';
import { ownEntry } from '../../core/own-entry.ts';
import type { Activity } from './activity.ts';
import type { Feeding } from './feeding.ts';
import { InboxSource, observed } from './inbox.ts';
import type { Fed, OutputMessage } from './messages.ts';
import { type Mocks, mockProcessor } from './mocks.ts';
import { ASKING, asksServer, refusedProcessor } from './network.ts';
import { type Recording, recorded, recordingSink } from './recording.ts';
import type { Replacements, SinkPlace } from './rewriting.ts';
import { watchedProcessor } from './watched-processor.ts';

/** Of which message that was fed a message is made; undefined where that is none, or several. */
export type FedOf = (message: Message) => Fed | undefined;

/** Sees what sinks are given, and what becomes of it. */
export interface Watcher {
  /** Called with each batch that a sink is given, in front of the sink. */
  given(sink: SinkPlace, messages: readonly Message[], fedOf: FedOf): void;
  /** Called with each message that comes out, and with what was sent for it, which has its place in the log later. */
  cameOut(name: string, output: OutputMessage, sent: Message, fedOf: FedOf): void;
}

export interface ReplacementParts {
  readonly activity: Activity;
  readonly feeding: Feeding;
  readonly recording: Recording;
  readonly mocks: Mocks;
  /** Whether processors may ask HTTP servers. */
  readonly mayAsk: boolean;
  readonly watcher: Watcher | undefined;
  /** What the output of an endpoint is called. */
  readonly outputOf: (endpoint: string) => string;
}

/** What takes the place of components in one life of the gateway. `isOver`: whether that has ended. */
export function replacementsOf(parts: ReplacementParts, isOver: () => boolean): Replacements {
  const { activity, feeding, recording, mocks, mayAsk, watcher, outputOf } = parts;
  const record = (name: string, messages: readonly Message[]) => {
    activity.moved();
    if (!isOver()) recording.add(name, messages);
  };
  return {
    source: ({ pipeline, at, name }, create, context) => {
      if (name === 'topic') return observed(create(context), feeding.recordsOf(pipeline), activity, isOver);
      const inner = name === 'endpoint' ? create(context) : undefined;
      return new InboxSource(feeding.inbox(pipeline, at), activity, inner);
    },
    sink: (place, create, context) =>
      recorded(
        sinkOf(place, () => create(context), record, outputOf),
        place.name,
        (_, messages) => {
          if (!isOver()) watcher?.given(place, messages, feeding.fedOf);
        },
      ),
    processor: ({ label, name, settings, isLimited }, create, context) => {
      const mock = label === undefined ? undefined : ownEntry(mocks, label);
      if (label !== undefined && mock !== undefined) return mockProcessor(label, mock);
      if (!mayAsk && ASKING.has(name) && asksServer(settings)) return refusedProcessor(context.path);
      return watchedProcessor(create, context, { activity, isLimited });
    },
  };
}

function sinkOf(
  { name, config }: SinkPlace,
  create: () => Sink,
  record: (name: string, messages: readonly Message[]) => void,
  outputOf: (endpoint: string) => string,
): Sink {
  if (name === 'topic' || name === 'drop') return create();
  return name === 'endpoint' ? recorded(create(), outputOf(endpointIn(config)), record) : recordingSink(name, record);
}

/** The endpoint that a sink names, whatever its channel. */
function endpointIn(config: unknown): string {
  return typeof config === 'string' ? config : String((config as { readonly name?: unknown }).name);
}
