import type { AccessPort, AccessRefusal, Admitted, Granted, HandshakeFacts, PathParams } from '../core/access.ts';
import type { Meta } from '../core/content.ts';
import type { Authenticator, Credentials, Identified, Identity } from '../core/identity.ts';
import { Message } from '../core/message.ts';
import type { Expression } from '../sdk/expression.ts';
import type { AllowSettings } from './allow-settings.ts';
import { KnownPermissions } from './known-permissions.ts';

/** What an endpoint says about its clients. */
export interface AccessSettings {
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** Undefined where the endpoint does not ask who its clients are. */
  readonly authenticator: Authenticator | undefined;
  readonly allow: AllowSettings;
  /** What the codec takes a parameter of the path for; the text itself if it is left out. */
  readonly readParam?: ((text: string) => string) | undefined;
  /** What a client is called in its room. */
  readonly name: Expression | undefined;
  readonly renews: boolean;
  /** Whether a client may say who it is in its first command, instead of its handshake; false where it is left out. */
  readonly mayShowLater?: boolean;
  /** Seconds. */
  readonly grace: number;
  /** Headers of the handshake that expressions may see; none where it is left out. */
  readonly headersOf?: (headers: Credentials['headers']) => HandshakeFacts['headers'];
  /** The channels that a client is in from the start, by what it is known as in `meta`. */
  readonly join?: (client: Message) => Promise<Joined>;
}

/** Names of channels, or why a client is not let in. */
export type Joined = { readonly channels: readonly string[] } | { readonly refusal: AccessRefusal };

const NOT_ALLOWED = 'not_allowed';

/** Who the clients of an endpoint are, and what follows from it: asked once for each connection, and once for each renewal. */
export class EndpointAccess implements AccessPort {
  readonly renews: boolean;
  readonly grace: number;
  private readonly settings: AccessSettings;
  private readonly known: KnownPermissions;

  constructor(settings: AccessSettings) {
    const { authenticator, renews, grace, allow } = settings;
    this.settings = settings;
    this.renews = authenticator !== undefined && renews;
    this.grace = grace;
    this.known = new KnownPermissions(allow);
  }

  isTokenProtocol(subprotocol: string): boolean {
    return this.settings.authenticator?.isTokenProtocol(subprotocol) === true;
  }

  async admit(credentials: Credentials, params: PathParams): Promise<Admitted> {
    const { authenticator, mayShowLater } = this.settings;
    const { headers, query } = credentials;
    const facts = { params, query, headers: this.settings.headersOf?.(headers) };
    if (authenticator === undefined) return this.grant(undefined, facts);
    if (mayShowLater === true && !authenticator.isShown(credentials)) return { later: true };
    return this.granted(await authenticator.identify(credentials), facts);
  }

  async renew(token: string, facts: HandshakeFacts): Promise<Granted> {
    const { authenticator } = this.settings;
    if (authenticator === undefined) return { refusal: forbidden('this endpoint takes no tokens') };
    return this.granted(await authenticator.renew(token), facts);
  }

  private granted(found: Identified, facts: HandshakeFacts): Promise<Granted> | Granted {
    return 'refusal' in found ? found : this.grant(found.identity, facts);
  }

  private async grant(identity: Identity | undefined, facts: HandshakeFacts): Promise<Granted> {
    const { endpoint, allow, name, join, readParam = asItIs } = this.settings;
    const read = Object.fromEntries(Object.entries(facts.params).map(([param, text]) => [param, readParam(text)]));
    const known = { ...read, endpoint, ...(identity === undefined ? {} : { auth: identity.claims }) };
    const client = clientOf(known);
    if (allow.connect !== undefined && !(await isTrue(allow.connect, client)))
      return { refusal: forbidden(`endpoints.${endpoint}.allow.connect does not let this client in`) };
    const called = name === undefined ? undefined : await textOf(name, client);
    if (name !== undefined && called === undefined)
      return { refusal: forbidden(`endpoints.${endpoint}.presence.name gives this client no name`) };
    const access = { identity, permissions: await this.known.of(client), name: called };
    if (join === undefined) return { access };
    const { query, headers = {} } = facts;
    const joined = await join(clientOf({ query, headers, ...known }));
    return 'refusal' in joined ? joined : { access: { ...access, channels: joined.channels } };
  }
}

/** What expressions see of a client that connects. */
function clientOf(meta: Meta): Message {
  return new Message(Buffer.alloc(0), { meta });
}

function asItIs(text: string): string {
  return text;
}

function forbidden(message: string): AccessRefusal {
  return { status: 403, reason: NOT_ALLOWED, message };
}

/** Nothing but true is true: a text such as "false", or a list, lets no client in. */
async function isTrue(condition: Expression, client: Message): Promise<boolean> {
  try {
    return (await condition.evaluate(client)) === true;
  } catch {
    return false;
  }
}

async function textOf(name: Expression, client: Message): Promise<string | undefined> {
  try {
    return await name.evaluateText(client);
  } catch {
    return undefined;
  }
}
