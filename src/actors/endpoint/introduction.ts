import type { Access, AccessPort, Granted, HandshakeFacts } from '../../core/access.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { IntroductionRefusal } from '../../core/component.ts';
import type { Effect } from '../../core/effect.ts';
import type { Farewell } from '../../core/frame.ts';
import type { Identity } from '../../core/identity.ts';
import { closing } from './connection-machine.ts';
import { CHECK_TIMEOUT, MAX_TOKEN } from './session.ts';

/** Seconds that a client has to say who it is. */
const TIMEOUT = 10;

const MISSING = refusal(401, 'token_missing', 'this needs a token, and there is none');
const TOO_LONG = refusal(401, 'token_malformed', `a token may have ${MAX_TOKEN} characters`);
const SEVERAL = refusal(401, 'several_credentials', 'send one token: in the handshake, or in the first command');
const TOO_MANY = refusal(429, 'identity_connections', 'this identity has as many connections as it may');
const TOO_SLOW = refusal(503, 'check_timeout', 'it could not be found out in time who this client is; try again');

/** What it needs of its endpoint. */
interface IntroductionContext {
  /** Seconds of the endpoint's own clock. */
  readonly seconds: number;
  /** Undefined where nothing is limited. */
  readonly clientLimits: { isFull(identity: Identity | undefined): boolean } | undefined;
}

/** The connection whose client it is. */
export interface IntroductionOwner {
  readonly isOpen: boolean;
  dismiss(farewell: Farewell): void;
  /** A check threw: the connection is cut. */
  failed(error: unknown): void;
  /** Does what the codec wants, whatever it is. */
  carryOut(effects: readonly Effect[]): void;
  /** What the codec wants to be done with a client that is not let in. */
  notIntroduced(correlation: unknown, refusal: IntroductionRefusal): void;
  /** It is known who the client is; undefined: nothing had to be found out. */
  introduced(access: Access | undefined): void;
}

/**
 * A client that has to say who it is, in its first command. It gets nothing and may do nothing else before that, and has little time.
 * A connection has one until its client is in.
 */
export class Introduction {
  private readonly owner: IntroductionOwner;
  private readonly context: IntroductionContext;
  private readonly port: AccessPort | undefined;
  /** What the handshake has shown; undefined where it has not, or where nothing is asked. */
  private readonly shown: Access | undefined;
  private readonly facts: HandshakeFacts;
  private readonly openedAt: number;
  private check: { readonly correlation: unknown; readonly since: number } | undefined;
  /** Where the client says that it is in channels. */
  since: ReadonlyMap<string, ChannelPosition | null> | undefined;
  /** Of the frame with the introduction, and behind it. */
  private deferred: readonly Effect[] = [];
  /** What that counts for. */
  heldBytes = 0;
  private isKnown = false;

  constructor(
    owner: IntroductionOwner,
    context: IntroductionContext,
    port: AccessPort | undefined,
    shown: Access | undefined,
    facts: HandshakeFacts,
  ) {
    this.owner = owner;
    this.context = context;
    this.port = port;
    this.shown = shown;
    this.facts = facts;
    this.openedAt = context.seconds;
  }

  /** Whether the client may send its first command now. */
  get isAwaited(): boolean {
    return this.check === undefined && !this.isKnown;
  }

  /** What the answer to the client is for. */
  get correlation(): unknown {
    return this.check?.correlation;
  }

  /** Once a second. `now`: seconds of the endpoint's clock. */
  sweep(now: number): void {
    if (this.isKnown) return;
    if (this.check === undefined) {
      if (now - this.openedAt > TIMEOUT) this.owner.dismiss(closing('silent'));
    } else if (now - this.check.since > CHECK_TIMEOUT) this.settle({ refusal: TOO_SLOW });
  }

  /** Does what the codec wants of a client that is not in. `bytes`: of the frame that says so. */
  apply(effects: readonly Effect[], bytes: number): void {
    const at = effects.findIndex(({ type }) => type === 'introduce');
    const before = at < 0 ? effects : effects.slice(0, at);
    const early = before.find(({ type }) => type !== 'reply' && type !== 'close');
    if (early !== undefined) throw new Error(`the codec asks for ${early.type} of a client that is not let in`);
    this.owner.carryOut(before);
    const asked = effects[at];
    if (asked?.type !== 'introduce' || !this.owner.isOpen) return;
    this.deferred = effects.slice(at + 1);
    this.heldBytes = this.deferred.length === 0 ? 0 : bytes;
    this.since = asked.since;
    this.begin(asked.token, asked.correlation);
  }

  /** The client is in: what it asked for behind its introduction. */
  takeDeferred(): readonly Effect[] {
    const { deferred } = this;
    this.deferred = [];
    this.heldBytes = 0;
    return deferred;
  }

  private begin(token: string | undefined, correlation: unknown): void {
    const { port, shown, context, facts } = this;
    const check = { correlation, since: context.seconds };
    this.check = check;
    if (port === undefined || shown !== undefined)
      this.settle(token !== undefined && shown?.identity !== undefined ? { refusal: SEVERAL } : undefined);
    else if (token === undefined) this.settle({ refusal: MISSING });
    else if (token.length > MAX_TOKEN) this.settle({ refusal: TOO_LONG });
    else
      port
        .renew(token, facts)
        .then((granted) => {
          // The answer may have been given, or the client gone, meanwhile.
          if (this.check === check && this.owner.isOpen) this.settle(granted);
        })
        .catch((error: unknown) => this.owner.failed(error));
  }

  /** `outcome`: undefined where the handshake has said all. */
  private settle(outcome: Granted | { readonly refusal: IntroductionRefusal } | undefined): void {
    if (outcome === undefined) this.letIn(this.shown);
    else if ('refusal' in outcome) this.refuse(outcome.refusal);
    else if (this.context.clientLimits?.isFull(outcome.access.identity)) this.refuse(TOO_MANY);
    else this.letIn(outcome.access);
  }

  private letIn(access: Access | undefined): void {
    this.isKnown = true;
    this.owner.introduced(access);
  }

  private refuse(refused: IntroductionRefusal): void {
    const { correlation } = this;
    this.check = undefined;
    this.takeDeferred();
    this.owner.notIntroduced(correlation, refused);
  }
}

function refusal(status: IntroductionRefusal['status'], reason: string, message: string): IntroductionRefusal {
  return { status, reason, message };
}
