import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { until } from './gateway-process.ts';
import type { StoredRecord } from './topic-content.ts';

/* Many clients as users write them: the class of examples/clients/javascript, which comes back and sends again. */

interface ExampleClient {
  send(content: string): Promise<string>;
  close(): void;
}

interface Handlers {
  readonly onWelcome: (clientId: string) => void;
  readonly onMessage: (envelope: { readonly content: string }) => void;
  readonly onLost: (code: number, pause: number | undefined) => void;
}

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const { Client } = (await import(pathToFileURL(join(ROOT, 'examples/clients/javascript/client.mjs')).href)) as {
  readonly Client: new (url: string, handlers: Handlers) => ExampleClient;
};

/** One connection of a client, from its welcome to its loss. */
export interface Session {
  readonly from: number;
  to: number;
  /** What was broadcast to it, in order. */
  readonly contents: string[];
}

/** A connection that was lost, or an attempt that failed. */
export interface Loss {
  readonly at: number;
  readonly code: number;
  /** Milliseconds until the client tries again. */
  readonly pause: number;
}

class Visitor {
  readonly name: string;
  readonly client: ExampleClient;
  readonly sessions: Session[] = [];
  readonly losses: Loss[] = [];
  /** Milliseconds from each loss to the next welcome. */
  readonly absences: number[] = [];
  isHere = false;

  constructor(name: string, url: string) {
    this.name = name;
    this.client = new Client(url, {
      onWelcome: () => this.welcome(Date.now()),
      onMessage: ({ content }) => this.sessions.at(-1)?.contents.push(content),
      onLost: (code, pause) => this.lose(code, pause, Date.now()),
    });
  }

  private welcome(now: number): void {
    const last = this.sessions.at(-1);
    if (last !== undefined) this.absences.push(now - last.to);
    this.sessions.push({ from: now, to: Number.POSITIVE_INFINITY, contents: [] });
    this.isHere = true;
  }

  private lose(code: number, pause: number | undefined, at: number): void {
    // The client has left by itself.
    if (pause === undefined) return;
    const session = this.sessions.at(-1);
    if (this.isHere && session !== undefined) session.to = at;
    this.isHere = false;
    this.losses.push({ at, code, pause });
  }
}

/** Clients that take turns at saying something, each thing once. */
export class Crowd {
  readonly visitors: Visitor[] = [];
  readonly acked: string[] = [];
  /** What a gateway refused for good. */
  readonly refused: string[] = [];
  sent = 0;
  private readonly url: string;
  private talk: NodeJS.Timeout | undefined;

  constructor(url: string) {
    this.url = url;
  }

  /** Some more come, so many at a time, and all are here. */
  async grow(count: number, at = 25): Promise<void> {
    for (let left = count; left > 0; left -= at) {
      for (let n = 0; n < Math.min(at, left); n += 1)
        this.visitors.push(new Visitor(`v${this.visitors.length}`, this.url));
      await this.here();
    }
  }

  /** The next visitor sends a message, whether or not it has a connection now. */
  begin(perSecond: number): void {
    this.talk = setInterval(() => this.say(this.visitors[this.sent % this.visitors.length]), 1_000 / perSecond);
  }

  say(visitor = this.visitors[0]): string {
    if (visitor === undefined) throw new Error('there are no visitors');
    const content = `${visitor.name} says ${this.sent}`;
    this.sent += 1;
    visitor.client.send(content).then(
      () => this.acked.push(content),
      () => this.refused.push(content),
    );
    return content;
  }

  /** Ends the messages; resolves when all are answered. */
  async end(): Promise<void> {
    clearInterval(this.talk);
    await until(
      () => this.acked.length + this.refused.length === this.sent,
      30_000,
      () => `${this.sent} sent, ${this.acked.length} acked`,
    );
  }

  /** All have a connection. */
  async here(): Promise<void> {
    const away = () => this.visitors.filter(({ isHere }) => !isHere).length;
    await until(
      () => away() === 0,
      60_000,
      () => `${away()} clients do not come back; their last losses: ${JSON.stringify(this.losses.slice(-3))}`,
    );
  }

  /** All have heard it since they came. */
  async heard(content: string): Promise<void> {
    const deaf = () => this.visitors.filter(({ sessions }) => !sessions.at(-1)?.contents.includes(content)).length;
    await until(
      () => deaf() === 0,
      30_000,
      () => `${deaf()} clients do not hear "${content}"`,
    );
  }

  leave(): void {
    clearInterval(this.talk);
    for (const { client } of this.visitors) client.close();
  }

  get losses(): Loss[] {
    return this.visitors.flatMap(({ losses }) => losses);
  }

  get absences(): number[] {
    return this.visitors.flatMap(({ absences }) => absences);
  }

  /**
   * What clients should have got and have not: records between two others of the same partition that came by the same
   * connection. A connection gets each partition from where it came in to where it went, without a hole.
   */
  holes(records: readonly StoredRecord[]): string[] {
    const partitions = partitionsOf(records);
    return this.visitors.flatMap(({ name, sessions }) =>
      sessions.flatMap(({ contents }, session) => {
        const got = new Set(contents);
        return partitions.flatMap(({ said, isOnce }) => {
          const first = said.findIndex((content) => got.has(content) && isOnce(content));
          const last = said.findLastIndex((content) => got.has(content) && isOnce(content));
          const missing = first < 0 ? [] : said.slice(first, last).filter((content) => !got.has(content));
          return missing.map((content) => `${name}, connection ${session}: ${content}`);
        });
      }),
    );
  }
}

interface Partition {
  readonly said: readonly string[];
  /** What was sent again is there twice, and does not tell where a connection came in. */
  readonly isOnce: (content: string) => boolean;
}

function partitionsOf(records: readonly StoredRecord[]): Partition[] {
  const times = new Map<string, number>();
  const partitions: string[][] = [];
  for (const record of records.toSorted((one, other) => one.offset - other.offset)) {
    const content = contentOf(record);
    times.set(content, (times.get(content) ?? 0) + 1);
    partitions[record.partition] ??= [];
    partitions[record.partition]?.push(content);
  }
  return partitions.flat(0).map((said) => ({ said, isOnce: (content) => times.get(content) === 1 }));
}

export function contentOf({ value }: StoredRecord): string {
  return (JSON.parse(value) as { content: string }).content;
}
