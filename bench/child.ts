import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Question {
  readonly ask: string;
  readonly id: number;
  readonly argument: unknown;
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A module of this folder, compiled or not, whichever runs now. */
export function modulePath(name: string): string {
  return fileURLToPath(new URL(`${name}${extname(import.meta.url)}`, import.meta.url));
}

/** A process of ours that answers questions over its IPC channel. */
export class Child {
  readonly process: ChildProcess;
  private lastId = 0;

  constructor(
    path: string,
    options: { args?: string[]; env?: Record<string, string>; execArgv?: string[]; quiet?: boolean } = {},
  ) {
    this.process = fork(path, options.args ?? [], {
      env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1', ...options.env },
      execArgv: [...process.execArgv, ...(options.execArgv ?? [])],
      stdio: ['ignore', options.quiet ? 'ignore' : 'inherit', 'inherit', 'ipc'],
    });
    // Every waiting question has its own listener for these.
    this.process.setMaxListeners(100);
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`cannot start ${this.process.spawnfile}`);
    return this.process.pid;
  }

  /** Resolves with the value of the first message that `pick` gives one for; rejects when the process ends first. */
  private message<T>(pick: (message: unknown) => { value: T } | { error: string } | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.process.off('message', heard).off('exit', ended);
      };
      const heard = (message: unknown) => {
        const picked = pick(message);
        if (picked === undefined) return;
        done();
        if ('value' in picked) resolve(picked.value);
        else reject(new Error(picked.error));
      };
      const ended = (code: number | null) => {
        done();
        reject(new Error(`${this.process.spawnargs.join(' ')} ended with code ${code}`));
      };
      this.process.on('message', heard).on('exit', ended);
    });
  }

  ready(): Promise<void> {
    return this.message((message) => ((message as { ready?: boolean }).ready ? { value: undefined } : undefined));
  }

  ask<T>(ask: string, argument?: unknown): Promise<T> {
    this.lastId += 1;
    const id = this.lastId;
    const answer = this.message<T>((message) => {
      const { id: answered, value, error } = message as Answer;
      if (answered !== id) return undefined;
      return error === undefined ? { value: value as T } : { error: `${ask}: ${error}` };
    });
    this.tell(ask, argument, id);
    return answer;
  }

  /** Says something that needs no answer. */
  tell(ask: string, argument: unknown, id = 0): void {
    if (this.process.connected) this.process.send({ ask, id, argument } satisfies Question);
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill(signal);
    await ended;
  }
}

/** The other side: answers each question with what its handler returns. */
export function serve(handlers: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async ({ ask, id, argument }: Question) => {
    try {
      const value = await handlers[ask]?.(argument as never);
      if (id > 0) process.send?.({ id, value } satisfies Answer);
    } catch (error) {
      process.send?.({ id, error: String((error as Error).stack) } satisfies Answer);
    }
  });
}
