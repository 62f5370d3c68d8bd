import { createHash } from 'node:crypto';
import { Message } from '../../core/message.ts';
import type { Expression } from '../../sdk/expression.ts';
import type { FeedContext } from '../context/feed-context.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import type { ReceivedFrame } from '../queues/held-frames.ts';
import type { IdWindow } from '../resume/id-window.ts';
import { keyOfValue } from '../resume/sent-values.ts';
import type { FeedSettings } from '../settings/source-settings.ts';
import { type FrameKey, Overlap } from './overlap.ts';

export interface FeedOverlapOptions {
  readonly settings: Pick<FeedSettings, 'dedupe' | 'resume'>;
  readonly context: Pick<FeedContext, 'clock'>;
  /** Ids of messages that were passed on; undefined without `dedupe`. */
  readonly ids: IdWindow | undefined;
  readonly pass: (frame: ReceivedFrame) => void;
  /** A message that both connections have received, the second time. */
  readonly repeated: (frame: ReceivedFrame) => void;
  readonly backlog: BacklogHandler;
}

/**
 * The overlap of two connections of a feed, whose messages are compared by the id of `dedupe`, else by their cursor, else by
 * their content.
 */
export function feedOverlap({ settings, context, ids, pass, repeated, backlog }: FeedOverlapOptions): Overlap {
  const { dedupe, resume } = settings;
  const id = dedupe?.id ?? resume?.cursor;
  return new Overlap({
    clock: context.clock,
    keyOf: (data) => keyOf(data, id),
    isKnown: ({ text }) => ids?.has(text) === true,
    pass,
    duplicate: repeated,
    backlog,
  });
}

function keyOf(data: Buffer, id: Expression | undefined): FrameKey | Promise<FrameKey> {
  let json: ReturnType<Expression['evaluateJson']>;
  try {
    json = id?.evaluateJson(new Message(data));
  } catch {
    return keyFor(data, undefined);
  }
  if (!(json instanceof Promise)) return keyFor(data, json);
  return json.then(
    (made) => keyFor(data, made),
    () => keyFor(data, undefined),
  );
}

function keyFor(data: Buffer, json: string | undefined): FrameKey {
  if (json !== undefined && json !== 'null') return { text: keyOfValue(json), isRepeatable: true };
  // No JSON begins with this character.
  return { text: `#${createHash('sha256').update(data).digest('base64')}`, isRepeatable: false };
}
