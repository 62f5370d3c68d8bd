import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { LogAdmin } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { TopicPort } from '../../sdk/context.ts';

/** Milliseconds for which a look says which topics there are. */
const LOOK_AGE = 5_000;
/** Milliseconds between two looks. */
const LOOK_PAUSE = 250;

export interface AdmissionOptions {
  readonly admin: Pick<LogAdmin, 'topics'>;
  readonly topic: (name: string) => TopicPort;
  /** The same, for topics that are written to already: what is for them passes at once. */
  readonly opened: (name: string) => TopicPort | undefined;
  /** Milliseconds for which a topic may be missing: one that was just created is not known to every broker at once. */
  readonly patience: number;
  readonly clock: Clock;
}

/** Messages for a name of which nothing is known, in order. */
interface Line {
  readonly messages: Message[];
  /** So many of them were there when the look under way began: it says nothing about the others. */
  asked: number;
  /** When a look first said that there is no such topic. */
  missingSince: number | undefined;
}

/**
 * Lets messages on to topics that exist. A topic that is written to has a lane, metrics and an actor for as long as it
 * exists, so names that clients make up must not come so far: they wait here until a look at the log has shown
 * the topic, and are refused with TG_TOPIC_MISSING where it has not. All of them share one look. While the log is away
 * they wait.
 */
export class Admission {
  private readonly options: AdmissionOptions;
  private readonly waiting = new Map<string, Line>();
  /** What the last look has shown. */
  private known = new Set<string>();
  private knownAt = Number.NEGATIVE_INFINITY;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private isLooking = false;
  private cancelLook: (() => void) | undefined;
  private isAbandoned = false;
  private whenDrained: (() => void)[] = [];

  constructor(options: AdmissionOptions) {
    this.options = options;
  }

  write(name: string, messages: Message[]): void {
    const line = this.waiting.get(name);
    if (line !== undefined) {
      for (const message of messages) line.messages.push(message);
      return;
    }
    const port = this.options.opened(name) ?? this.seenLately(name);
    if (port !== undefined) port.write(new Batch(messages));
    else if (this.isAbandoned) refuse(messages, stopped());
    else {
      this.waiting.set(name, { messages, asked: 0, missingSince: undefined });
      this.look();
    }
  }

  /** The topic exists now, whatever a look says that began before. */
  created(name: string): void {
    this.known.add(name);
    const line = this.waiting.get(name);
    if (line !== undefined) this.admit(name, line);
    this.tellDrained();
  }

  /** Resolves when nothing waits. */
  drained(): Promise<void> {
    if (this.waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenDrained.push(resolve));
  }

  /** What waits was never sent. */
  abandon(): void {
    this.isAbandoned = true;
    this.cancelLook?.();
    const lines = [...this.waiting.values()];
    this.waiting.clear();
    for (const { messages } of lines) refuse(messages, stopped());
    this.tellDrained();
  }

  private seenLately(name: string): TopicPort | undefined {
    const isRecent = this.options.clock.now() - this.knownAt < LOOK_AGE;
    return isRecent && this.known.has(name) ? this.options.topic(name) : undefined;
  }

  /** Looks at once, or as soon as the last look is long enough ago. */
  private look(): void {
    if (this.isLooking || this.cancelLook !== undefined) return;
    const { clock } = this.options;
    const pause = this.lookedAt + LOOK_PAUSE - clock.now();
    if (pause <= 0) this.lookNow();
    else
      this.cancelLook = clock.after(pause, () => {
        this.cancelLook = undefined;
        this.lookNow();
      });
  }

  private lookNow(): void {
    this.isLooking = true;
    for (const line of this.waiting.values()) line.asked = line.messages.length;
    this.options.admin.topics().then(
      (topics) => {
        this.seen(new Set(topics.keys()));
        this.looked();
      },
      (error: unknown) => {
        this.unseen(asTidegateError(error, 'TG_LOG_UNAVAILABLE'));
        this.looked();
      },
    );
  }

  private looked(): void {
    this.isLooking = false;
    this.lookedAt = this.options.clock.now();
    this.tellDrained();
    if (this.waiting.size > 0) this.look();
  }

  private seen(topics: Set<string>): void {
    const now = this.options.clock.now();
    this.known = topics;
    this.knownAt = now;
    for (const [name, line] of this.waiting) {
      if (topics.has(name)) this.admit(name, line);
      else if (line.asked > 0) this.miss(name, line, now);
    }
  }

  /** The log is away, and nobody can say what there is; or it does not let us ask, which waiting would not change. */
  private unseen(failure: TidegateError): void {
    for (const [name, line] of this.waiting) {
      if (failure.retryable) line.missingSince = undefined;
      else this.turnAway(name, line, failure);
    }
  }

  private admit(name: string, line: Line): void {
    this.waiting.delete(name);
    this.options.topic(name).write(new Batch(line.messages));
  }

  private miss(name: string, line: Line, now: number): void {
    line.missingSince ??= now;
    if (now - line.missingSince < this.options.patience) return;
    this.turnAway(name, line, new TidegateError('TG_TOPIC_MISSING', `there is no topic ${name}; create it first`));
  }

  /** Those that came since the look began wait for the next one. */
  private turnAway(name: string, line: Line, failure: TidegateError): void {
    const refused = line.messages.splice(0, line.asked);
    line.asked = 0;
    line.missingSince = undefined;
    if (line.messages.length === 0) this.waiting.delete(name);
    refuse(refused, failure);
  }

  private tellDrained(): void {
    if (this.waiting.size > 0) return;
    const told = this.whenDrained;
    this.whenDrained = [];
    for (const resolve of told) resolve();
  }
}

function refuse(messages: readonly Message[], failure: TidegateError): void {
  for (const message of messages) message.nack(failure);
}

function stopped(): TidegateError {
  return new TidegateError(
    'TG_STOPPING',
    'the gateway stopped before the log could be reached; send the message again',
  );
}
