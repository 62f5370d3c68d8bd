/** What a component did against a law, and what to do about it. Becomes a LawError with the smallest input. */
export class Breach extends Error {
  readonly what: string;
  readonly advice: string;

  constructor(what: string, advice: string) {
    super(what);
    this.name = 'Breach';
    this.what = what;
    this.advice = advice;
  }
}

export function breachIn(thrown: unknown): Breach | undefined {
  return thrown instanceof Breach ? thrown : undefined;
}

/** Throws a Breach unless `holds`. */
export function keeps(holds: boolean, what: string, advice: string): asserts holds {
  if (!holds) throw new Breach(what, advice);
}
