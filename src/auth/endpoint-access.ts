import type { AccessPort, AccessRefusal, Granted, PathParams } from '../core/access.ts';
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
  /** Seconds. */
  readonly grace: number;
}

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

  async admit(credentials: Credentials, params: PathParams): Promise<Granted> {
    const { authenticator } = this.settings;
    if (authenticator === undefined) return this.grant(undefined, params);
    return this.granted(await authenticator.identify(credentials), params);
  }

  async renew(token: string, params: PathParams): Promise<Granted> {
    const { authenticator } = this.settings;
    if (authenticator === undefined) return { refusal: forbidden('this endpoint takes no tokens') };
    return this.granted(await authenticator.renew(token), params);
  }

  private granted(found: Identified, params: PathParams): Promise<Granted> | Granted {
    return 'refusal' in found ? found : this.grant(found.identity, params);
  }

  private async grant(identity: Identity | undefined, params: PathParams): Promise<Granted> {
    const { endpoint, allow, name, readParam = asItIs } = this.settings;
    const read = Object.fromEntries(Object.entries(params).map(([param, text]) => [param, readParam(text)]));
    const client = new Message(Buffer.alloc(0), {
      meta: { ...read, endpoint, ...(identity === undefined ? {} : { auth: identity.claims }) },
    });
    if (allow.connect !== undefined && !(await isTrue(allow.connect, client)))
      return { refusal: forbidden(`endpoints.${endpoint}.allow.connect does not let this client in`) };
    const called = name === undefined ? undefined : await textOf(name, client);
    if (name !== undefined && called === undefined)
      return { refusal: forbidden(`endpoints.${endpoint}.presence.name gives this client no name`) };
    return { access: { identity, permissions: await this.known.of(client), name: called } };
  }
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
