import { WebSocket } from 'ws';
import { until } from './gateway-process.ts';

/* Clients of channels, each of which counts what is missing in what it gets, comes twice, or out of order. */

interface Frame {
  readonly type: string;
  readonly channel: string;
  readonly position?: string;
  readonly recovered?: boolean;
  readonly data: { readonly n: number };
}

/** What a client knows of a channel. It outlives its connections. */
interface Place {
  position: string | undefined;
  /** Number of the newest record. */
  last: number | undefined;
  /** Whether the record behind `last` has to be the next one: it is so from a record on until something is lost. */
  isWhole: boolean;
  isIn: boolean;
}

/** Counts of all clients. */
export class Findings {
  /** Records that did not come, although the client has heard that nothing is lost. */
  missed = 0;
  /** Records that came again, or behind a later one. */
  doubled = 0;
  received = 0;
  recovered = 0;
  lost = 0;
  gaps = 0;
  /** Frames that should not come. */
  readonly unexpected: string[] = [];
  /** Some of what was missed or doubled. */
  readonly examples: string[] = [];
}

class ChannelVisitor {
  readonly places: ReadonlyMap<string, Place>;
  private readonly urls: readonly string[];
  private readonly findings: Findings;
  private socket: WebSocket | undefined;
  private isAtEnd = false;
  private cameAt = 0;

  constructor(urls: readonly string[], channels: readonly string[], findings: Findings) {
    this.urls = urls;
    this.findings = findings;
    this.places = new Map(
      channels.map((channel) => [channel, { position: undefined, last: undefined, isWhole: false, isIn: false }]),
    );
    this.come();
  }

  get isIn(): boolean {
    for (const { isIn } of this.places.values()) if (!isIn) return false;
    return true;
  }

  /** What it waits for. */
  toString(): string {
    const out = [...this.places].filter(([, { isIn }]) => !isIn);
    const seconds = Math.round((Date.now() - this.cameAt) / 1_000);
    const state = ['connecting', 'open', 'closing', 'closed'][this.socket?.readyState ?? 3];
    const names = out.map(([channel, { position }]) => `${channel} since ${position}`);
    return `${this.socket?.url} ${state}, begun ${seconds} s ago, without ${names.join(', ')}`;
  }

  has(numbers: ReadonlyMap<string, number>): boolean {
    for (const [channel, { last }] of this.places) if (last !== numbers.get(channel)) return false;
    return true;
  }

  /** It loses its connection, and comes back by itself. */
  cut(): void {
    this.socket?.terminate();
  }

  leave(): void {
    this.isAtEnd = true;
    this.socket?.terminate();
  }

  private come(): void {
    if (this.isAtEnd) return;
    const url = this.urls[Math.floor(Math.random() * this.urls.length)] as string;
    const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: 10_000 });
    this.socket = socket;
    this.cameAt = Date.now();
    socket.on('open', () => {
      for (const [channel, { position }] of this.places)
        socket.send(JSON.stringify({ type: 'subscribe', channel, since: position }));
    });
    socket.on('message', (data) => {
      if (socket === this.socket) this.hear(JSON.parse(String(data)) as Frame);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const place of this.places.values()) place.isIn = false;
      setTimeout(() => this.come(), Math.random() * 2_000);
    });
  }

  private hear(frame: Frame): void {
    const { type, channel } = frame;
    const place = this.places.get(channel);
    if (place === undefined || !['subscribed', 'message', 'gap'].includes(type)) {
      this.findings.unexpected.push(JSON.stringify(frame));
      return;
    }
    if (type === 'subscribed') this.begins(place, frame);
    else if (type === 'message') this.gets(place, frame);
    else {
      this.findings.gaps += 1;
      place.isWhole = false;
    }
    place.position = frame.position;
  }

  private begins(place: Place, { recovered }: Frame): void {
    place.isIn = true;
    if (recovered === undefined) return;
    this.findings[recovered ? 'recovered' : 'lost'] += 1;
    if (!recovered) place.isWhole = false;
  }

  private gets(place: Place, { channel, data: { n } }: Frame): void {
    const { findings } = this;
    const { last = n - 1, isWhole } = place;
    findings.received += 1;
    if (n <= last) findings.doubled += 1;
    else if (isWhole) findings.missed += n - last - 1;
    if (findings.examples.length < 10 && (n <= last || (isWhole && n > last + 1)))
      findings.examples.push(`${channel}: ${n} came behind ${last}, position ${place.position}`);
    place.last = n;
    place.isWhole = true;
  }
}

/** Clients that are in several channels each, all channels together in about as many clients. */
export class ChannelCrowd {
  readonly findings = new Findings();
  private readonly visitors: ChannelVisitor[] = [];
  private readonly urls: readonly string[];
  private readonly channels: readonly string[];
  private readonly each: number;

  /** `each`: channels of one client. */
  constructor(urls: readonly string[], channels: readonly string[], each: number) {
    this.urls = urls;
    this.channels = channels;
    this.each = each;
  }

  /** So many more come, some at a time, and are in their channels. */
  async grow(count: number, atOnce = 50): Promise<void> {
    for (let left = count; left > 0; left -= atOnce) {
      for (let n = 0; n < Math.min(atOnce, left); n += 1) this.visitors.push(this.visitor());
      await this.areIn();
    }
  }

  async areIn(): Promise<void> {
    const out = () => this.visitors.filter(({ isIn }) => !isIn).length;
    await until(
      () => out() === 0,
      90_000,
      () => {
        const waiting = this.visitors.filter(({ isIn }) => !isIn).slice(0, 5);
        const heard = this.findings.unexpected.slice(0, 3);
        return `${out()} clients do not come into their channels: ${waiting.map(String).join('; ')} ${heard}`;
      },
    );
  }

  /** All have the newest record of each of their channels. `numbers`: of these, by channel. */
  async have(numbers: ReadonlyMap<string, number>): Promise<void> {
    const behind = () => this.visitors.filter((visitor) => !visitor.has(numbers)).length;
    await until(
      () => behind() === 0,
      60_000,
      () => `${behind()} clients have not got the newest record of a channel`,
    );
  }

  /** Some lose their connections. */
  cut(share: number): void {
    for (const visitor of this.visitors) if (Math.random() < share) visitor.cut();
  }

  leave(): void {
    for (const visitor of this.visitors) visitor.leave();
  }

  private visitor(): ChannelVisitor {
    const { channels, each } = this;
    const first = this.visitors.length * each;
    const own = Array.from({ length: each }, (_, at) => channels[(first + at) % channels.length] as string);
    return new ChannelVisitor(this.urls, own, this.findings);
  }
}
