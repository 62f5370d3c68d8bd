import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import type { GatewayProcess } from './gateway-process.ts';

/** How a gateway bears what is done to it. */
export interface VitalSigns {
  /** Most bytes of memory that it had, as the system counts them (VmRSS). */
  readonly memory: number;
  /** Longest time until /health was answered, in milliseconds. */
  readonly silence: number;
}

const MEBI = 1_048_576;

/** Watches memory and /health until it is stopped. */
export class Watch {
  private readonly gateway: GatewayProcess;
  private readonly timer: NodeJS.Timeout;
  private memory = 0;
  private silence = 0;
  private askedAt: number | undefined;
  private isOver = false;

  constructor(gateway: GatewayProcess) {
    this.gateway = gateway;
    this.timer = setInterval(() => this.look(), 20);
    this.ask();
  }

  /** What was seen since it began, or since the last call. */
  take(): VitalSigns {
    this.look();
    const { memory, silence } = this;
    this.memory = 0;
    this.silence = 0;
    return { memory, silence };
  }

  stop(): void {
    this.isOver = true;
    clearInterval(this.timer);
  }

  private look(): void {
    this.memory = Math.max(this.memory, memoryOf(this.gateway));
    if (this.askedAt !== undefined) this.silence = Math.max(this.silence, performance.now() - this.askedAt);
  }

  private ask(): void {
    if (this.isOver) return;
    this.askedAt = performance.now();
    const answered = () => {
      this.look();
      this.askedAt = undefined;
      setTimeout(() => this.ask(), 10);
    };
    get({ port: this.gateway.adminPort, path: '/health', agent: false }, (response) => {
      response.resume().on('end', answered);
    }).on('error', answered);
  }
}

/** Bytes that the process has in memory at the moment; 0 where it has ended. */
export function memoryOf({ process: { pid } }: GatewayProcess): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

export function inMebibytes(bytes: number): number {
  return Math.round(bytes / MEBI);
}
