import type { Introduction, Renewal } from '../../sdk/index.ts';
import { errorOf, refusalOf, tooManyOf } from './codes.ts';
import { type Asked, errorReply, reply, subscriptionOf } from './frames.ts';

/** What is kept of a connection. */
export interface State {
  /** new: `connect` is awaited; connecting: it is not answered yet. */
  phase: 'new' | 'connecting' | 'connected';
  /** Whether the client may renew its token. */
  renews: boolean;
  readonly subscribes: boolean;
  readonly publishes: boolean;
  readonly seesPresence: boolean;
  readonly seesHistory: boolean;
}

/** For people who look at the frames. */
const VERSION = 'Tidegate';

/** The command `connect` and its answer. */
export const introduction: Introduction<State> = {
  accepted: (state, correlation, { connection, expires, channels, pingInterval }, now) => {
    state.phase = 'connected';
    state.renews = connection.renews === true;
    const subs = Object.fromEntries([...channels].map(([channel, facts]) => [channel, subscriptionOf(facts)]));
    return reply(correlation as Asked, {
      client: connection.clientId,
      version: VERSION,
      ...lifeOf(expires, now),
      ...(channels.size > 0 && { subs }),
      ping: pingInterval,
      pong: true,
    });
  },
  refused: (state, correlation, refusal) => {
    state.phase = 'new';
    const refused = refusalOf(refusal);
    if ('reason' in refused) return [{ type: 'close', ...refused }];
    return [{ type: 'reply', frame: errorReply(correlation as Asked, refused) }];
  },
};

/** The command `refresh`: libraries send it by themselves when the time of a token is over. */
export const renewal: Renewal<State> = {
  ask: () => null,
  renewed: (_state, correlation, rejection, now, expires) => {
    const asked = correlation as Asked;
    if (rejection === null) return reply(asked, { version: VERSION, ...lifeOf(expires, now) });
    const isEarly = rejection.code === 'TG_LIMIT_REACHED';
    return errorReply(asked, isEarly ? tooManyOf(rejection) : errorOf(rejection));
  },
};

/** `expires`: milliseconds since 1970. The protocol counts seconds from now on. */
function lifeOf(expires: number | undefined, now: number) {
  return expires === undefined ? {} : { expires: true, ttl: Math.max(1, Math.ceil((expires - now) / 1_000)) };
}
