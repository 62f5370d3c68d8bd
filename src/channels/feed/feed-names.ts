import type { Expression } from '../../sdk/expression.ts';
import { withoutMarks } from '../../sdk/literal.ts';

/** Plain text around the key of the record and nothing else. */
const AROUND_KEY = /^((?:(?!\$\{!).)*)\$\{!\s*key\s*\}((?:(?!\$\{!).)*)$/s;
const BEGINS = '${!';
const ENDS = '}';

/** The names that one template of a sink can give to channels. */
export class FeedNames {
  /** What all of them begin with; the name itself where there is but one. */
  readonly prefix: string;
  readonly suffix: string;
  /** What is between the two is the key of the record, which may be empty. */
  readonly hasKey: boolean;
  private readonly isConstant: boolean;

  constructor({ text }: Pick<Expression, 'text'>) {
    const around = AROUND_KEY.exec(text);
    const begin = text.indexOf(BEGINS);
    this.hasKey = around !== null;
    this.isConstant = begin < 0;
    this.prefix = withoutMarks(around?.[1] ?? (begin < 0 ? text : text.slice(0, begin)));
    this.suffix = withoutMarks(around?.[2] ?? (begin < 0 ? '' : text.slice(text.lastIndexOf(ENDS) + 1)));
  }

  has(channel: string): boolean {
    const { prefix, suffix } = this;
    if (this.isConstant) return channel === prefix;
    return channel.length >= prefix.length + suffix.length && channel.startsWith(prefix) && channel.endsWith(suffix);
  }

  /** Of a channel whose name it `has`. */
  keyOf(channel: string): string {
    return channel.slice(this.prefix.length, channel.length - this.suffix.length);
  }

  /** Whether both can give the same name. */
  overlaps(other: FeedNames): boolean {
    if (this.isConstant) return other.has(this.prefix);
    if (other.isConstant) return this.has(other.prefix);
    return (
      (this.prefix.startsWith(other.prefix) || other.prefix.startsWith(this.prefix)) &&
      (this.suffix.endsWith(other.suffix) || other.suffix.endsWith(this.suffix))
    );
  }
}
