import fc from 'fast-check';

/**
 * Values that `fits` accepts, drawn again up to `tries` times. `filter` of fast-check would draw for ever where nothing fits;
 * here what `giveUp` makes is thrown.
 */
export class BoundedFilter<T> extends fc.Arbitrary<T> {
  private readonly inner: fc.Arbitrary<T>;
  private readonly fits: (value: T) => boolean;
  private readonly giveUp: (last: T) => Error;
  private readonly tries: number;

  constructor(
    inner: fc.Arbitrary<T>,
    options: { readonly fits: (value: T) => boolean; readonly giveUp: (last: T) => Error; readonly tries?: number },
  ) {
    super();
    this.inner = inner;
    this.fits = options.fits;
    this.giveUp = options.giveUp;
    this.tries = options.tries ?? 1_000;
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<T> {
    for (let tried = 1; ; tried += 1) {
      const drawn = this.inner.generate(random, biasFactor);
      if (this.fits(drawn.value)) return drawn;
      if (tried >= this.tries) throw this.giveUp(drawn.value);
    }
  }

  override canShrinkWithoutContext(value: unknown): value is T {
    return this.inner.canShrinkWithoutContext(value) && this.fits(value);
  }

  override shrink(value: T, context: unknown): fc.Stream<fc.Value<T>> {
    return this.inner.shrink(value, context).filter((smaller) => this.fits(smaller.value));
  }
}
