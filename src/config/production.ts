import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from './yaml/interpolate.ts';

/**
 * A sign that this process is a deployment. In a container only its main process is one: a shell, an editor or a CI job in
 * a container is for trials.
 */
export function productionSign(env: Environment): string | undefined {
  if (env.NODE_ENV === 'production') return 'NODE_ENV is production';
  if (env.KUBERNETES_SERVICE_HOST) return 'this runs in Kubernetes';
  return isMainProcess() && isContainer() ? "this is a container's main process" : undefined;
}

function isContainer(): boolean {
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) return true;
  try {
    return /docker|kubepods|containerd|libpod/.test(readFileSync('/proc/1/cgroup', 'utf8'));
  } catch {
    return false; // no Linux, no cgroups
  }
}

/** Clock ticks of /proc, of which Linux has 100 a second. The main process is started as soon as its init runs. */
const WITH_THE_INIT = 100;

export interface ProcessFacts {
  readonly pid: number;
  readonly ppid: number;
  /** When a process was started, in clock ticks since the machine was; undefined where that is not known. */
  readonly startOf: (pid: number) => number | undefined;
}

/**
 * Whether this is the first process of its PID namespace, as a container's command is, or what its init (tini, `docker run
 * --init`) was started for. That init also adopts each process whose parent has ended, but those are started later; and one that
 * comes from outside (`docker exec`) has no parent at all (0).
 */
export function isMainProcess({ pid, ppid, startOf }: ProcessFacts = facts()): boolean {
  if (pid === 1) return true;
  if (ppid !== 1) return false;
  const [own, init] = [startOf(pid), startOf(1)];
  return own !== undefined && init !== undefined && own - init <= WITH_THE_INIT;
}

function facts(): ProcessFacts {
  return { pid: process.pid, ppid: process.ppid, startOf };
}

function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22; the second is the program's name in brackets, which may hold anything.
    const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return Number.isFinite(start) ? start : undefined;
  } catch {
    return undefined;
  }
}
