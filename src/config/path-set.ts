import type { Path } from './problem/problem.ts';

interface Step {
  /** Whether a path of the set ends here. */
  isEnd: boolean;
  readonly inner: Map<string | number, Step>;
}

/** Paths of a configuration. What is asked takes as long as the path has steps, however many paths there are. */
export class PathSet {
  private readonly root: Step = { isEnd: false, inner: new Map() };

  constructor(paths: Iterable<Path>) {
    for (const path of paths) {
      let step = this.root;
      for (const name of path) {
        let next = step.inner.get(name);
        if (next === undefined) {
          next = { isEnd: false, inner: new Map() };
          step.inner.set(name, next);
        }
        step = next;
      }
      step.isEnd = true;
    }
  }

  get isEmpty(): boolean {
    return !this.root.isEnd && this.root.inner.size === 0;
  }

  /** Whether one of them is `path`, or a setting around it. */
  covers(path: Path): boolean {
    let step: Step | undefined = this.root;
    for (const name of path) {
      if (step.isEnd) return true;
      step = step.inner.get(name);
      if (step === undefined) return false;
    }
    return step.isEnd;
  }

  /** Whether one of them is `path`, or a setting inside it. */
  reaches(path: Path): boolean {
    let step: Step | undefined = this.root;
    for (const name of path) step = step?.inner.get(name);
    return step !== undefined && !this.isEmpty;
  }
}
