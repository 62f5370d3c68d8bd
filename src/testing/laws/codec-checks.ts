import { isUtf8 } from 'node:buffer';
import type { Codec } from '../../core/component.ts';
import type { Effect } from '../../core/effect.ts';
import type { Frame } from '../../core/frame.ts';
import { keeps } from './breach.ts';
import type { CodecOutput } from './codec-run.ts';

/** By their names, so that none is forgotten. */
export const EFFECTS = Object.keys({
  publish: true,
  reply: true,
  close: true,
  direct: true,
  kick: true,
  request: true,
  introduce: true,
  renew: true,
  subscribe: true,
  unsubscribe: true,
  presence: true,
  history: true,
} satisfies Record<Effect['type'], true>);

/** Bytes of a close frame that are left for the reason (RFC 6455 5.5). */
const MAX_REASON = 123;

/** Whether the effects of a step are ones that the endpoint can carry out. */
export function checkEffects(codec: Codec, { effects, step }: CodecOutput): void {
  const whole = step === 'open' ? 'the effects of open' : 'frame';
  keeps(
    Array.isArray(effects),
    `${whole} gave ${String(effects)}`,
    'return a list of effects; an empty one for nothing',
  );
  for (const effect of effects) checkEffect(codec, effect);
}

function checkEffect(codec: Codec, effect: Effect): void {
  const type: unknown = effect?.type;
  keeps(
    typeof type === 'string' && EFFECTS.includes(type),
    `it gave an effect of the type ${JSON.stringify(type)}`,
    `the types are ${EFFECTS.join(', ')}`,
  );
  switch (effect.type) {
    case 'publish':
      keeps(
        Buffer.isBuffer(effect.message?.payload),
        'a publish has no Buffer as payload',
        'give { type: "publish", message: { payload: Buffer } }',
      );
      keeps(
        effect.message.headers === undefined || Array.isArray(effect.message.headers),
        'the headers of a publish are not a list',
        'give headers as a list of [name, value]',
      );
      keeps(
        effect.channel === undefined || codec.channels !== undefined,
        'a publish to a channel of a codec without channels',
        'give the codec `channels`',
      );
      return;
    case 'reply':
      checkFrame(effect.frame, 'a reply');
      keeps(
        effect.rejected === undefined || effect.why !== undefined,
        `a reply refuses its frame as ${JSON.stringify(effect.rejected)} and does not say why`,
        'give `why`, in the words that the client gets: the dead letter of the frame has it',
      );
      return;
    case 'close':
      checkClose(effect);
      return;
    case 'direct':
    case 'kick':
      keeps(codec.membership !== undefined, `a ${type} of a codec without members`, 'give the codec a `membership`');
      return;
    case 'request':
      keeps(codec.topics !== undefined, 'a request of a codec without topics', 'give the codec `topics`');
      return;
    case 'introduce':
      keeps(
        codec.introduction !== undefined,
        'an introduce of a codec without introduction',
        'give the codec an `introduction`',
      );
      return;
    case 'renew':
      keeps(codec.renewal !== undefined, 'a renew of a codec without renewal', 'give the codec a `renewal`');
      return;
    case 'subscribe':
    case 'unsubscribe':
      keeps(codec.channels !== undefined, `a ${type} of a codec without channels`, 'give the codec `channels`');
      return;
    case 'presence':
      keeps(
        codec.channels?.presence !== undefined,
        'a presence of a codec without presence',
        'give its `channels` a `presence`',
      );
      return;
    case 'history':
      keeps(
        codec.channels?.history !== undefined,
        'a history of a codec without history',
        'give its `channels` a `history`',
      );
  }
}

function checkClose({ code, reason }: { readonly code: number; readonly reason: string }): void {
  // What RFC 6455 7.4.1 reserves for endpoints that see no close frame is not for a frame.
  const isAllowed =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
  keeps(
    isAllowed,
    `it closes with the code ${code}`,
    'close with 1000 to 1014 (not 1004 to 1006), or with 3000 to 4999',
  );
  keeps(
    typeof reason === 'string' && Buffer.byteLength(reason) <= MAX_REASON,
    `the reason of a close has ${Buffer.byteLength(String(reason))} bytes`,
    `at most ${MAX_REASON} bytes fit in a close frame; cut it`,
  );
}

/** Whether a client can be sent the frame. */
export function checkFrame(frame: Frame | null, what: string): void {
  if (frame === null) return;
  const data: unknown = frame?.data;
  keeps(
    typeof data === 'string' || Buffer.isBuffer(data),
    `${what} has ${data === undefined ? 'no data' : `${typeof data} as data`}`,
    'give { data: text or Buffer, binary: boolean }',
  );
  keeps(
    frame.binary || typeof data === 'string' || isUtf8(data),
    `${what} is a text frame that is not UTF-8`,
    'send bytes as a binary frame: clients close the connection on such a text frame (RFC 6455 8.1)',
  );
}
