import { loadConfig } from '../../src/config/index.ts';
import type { Message } from '../../src/core/message.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { until } from './gateway-process.ts';

interface Cleanup {
  after(cleanup: () => Promise<void>): void;
}

export interface Said {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of an API, looked at field by field
  readonly body: any;
  readonly headers: Headers;
}

/** Connect's message during a rebalance. */
export const REBALANCING =
  'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.';

/** Calls a Connect API. */
export class ConnectApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Said> {
    const isText = typeof body === 'string';
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let parsed: unknown = text;
    try {
      parsed = text === '' ? undefined : JSON.parse(text);
    } catch {
      // Not every answer is JSON.
    }
    return { status: response.status, body: parsed, headers: response.headers };
  }

  /** As clients of Connect do it: again after a 409 that says so. Resolves with the last answer, and how many 409 there were. */
  async insist(method: string, path: string, body?: unknown): Promise<Said & { readonly refusals: number }> {
    for (let refusals = 0; ; refusals++) {
      const said = await this.call(method, path, body);
      if (said.status !== 409 || said.body.message !== REBALANCING) return { ...said, refusals };
      if (refusals > 1_000) throw new Error('it rebalances for ever');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The call again and again, until its answer is as wanted. */
  async until(path: string, isWanted: (said: Said) => boolean, timeout = 45_000): Promise<Said> {
    let last: Said | undefined;
    await until(
      async () => {
        last = await this.call('GET', path);
        return isWanted(last);
      },
      timeout,
      () => `${path} says ${last?.status} ${JSON.stringify(last?.body)}`,
    );
    return last as Said; // until resolves only behind an answer
  }

  /** Until the connector and all its tasks are in that state, and there are so many tasks. */
  state(name: string, state: string, tasks = 1, timeout = 45_000): Promise<Said> {
    return this.until(
      `/connectors/${name}/status`,
      ({ status, body }) => {
        if (status !== 200 || body.connector.state !== state || body.tasks.length !== tasks) return false;
        return body.tasks.every((task: { state: string }) => task.state === state);
      },
      timeout,
    );
  }
}

interface Changes {
  /** Where the lines of its log go; it has none where this is left out. */
  readonly lines?: NodeJS.WritableStream;
  readonly log?: object;
  readonly connect?: object;
  readonly admin?: object;
}

/** A gateway with connectors within this process, and its API once it is ready. */
export async function startConnect(
  t: Cleanup,
  changes: Changes = {},
): Promise<{ readonly gateway: Gateway; readonly api: ConnectApi }> {
  const started = await launchConnect(t, changes);
  await started.api.until('/health', ({ status }) => status === 200);
  return started;
}

/** The same, as soon as the port of the API is bound. */
export async function launchConnect(
  t: Cleanup,
  changes: Changes = {},
): Promise<{ readonly gateway: Gateway; readonly api: ConnectApi }> {
  const { config } = await loadConfig(
    {
      log: { driver: 'embedded', embedded: { memory: true }, ...changes.log },
      admin: changes.admin ?? { enabled: false },
      connect: { port: 0, ...changes.connect },
    },
    { production: null },
  );
  const gateway = await Gateway.create(config, { logger: loggerOf(changes), servers: {} });
  t.after(async () => {
    await gateway.stop();
  });
  await gateway.start();
  return { gateway, api: new ConnectApi(`http://127.0.0.1:${gateway.ports().connect}`) };
}

function loggerOf({ lines }: Changes) {
  return lines === undefined ? createLogger({ level: 'silent' }) : createLogger({ level: 'info', destination: lines });
}

/** The content of a topic. */
export async function recordsOf({ context }: Gateway, topic: string): Promise<Message[]> {
  const { log } = context;
  const ends = await log.admin.offsets(topic);
  const wanted = ends.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0);
  const messages: Message[] = [];
  const reader = log.reader({ topics: [topic], from: 'earliest' });
  try {
    await new Promise<void>((resolve, reject) => {
      if (wanted === 0) resolve();
      reader.batches$.subscribe({
        next: (batch) => {
          messages.push(...batch.messages);
          batch.ack();
          if (messages.length >= wanted) resolve();
        },
        error: reject,
      });
    });
  } finally {
    await reader.close();
  }
  return messages;
}
