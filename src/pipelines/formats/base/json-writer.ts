import { invalid } from './failure.ts';
import { MAX_DEPTH } from './limits.ts';

/**
 * JSON text, written value by value, so that a decoder makes no objects that another step may never read. Knows where
 * commas are due. Throws TG_MESSAGE_INVALID as soon as there are more than `limit` bytes, or more than MAX_DEPTH levels.
 */
export class JsonWriter {
  private readonly limit: number;
  private text = '';
  private isCommaDue = false;
  private depth = 0;

  /** `limit`: bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  begin(bracket: '{' | '['): void {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
    this.add(bracket);
    this.isCommaDue = false;
  }

  end(bracket: '}' | ']'): void {
    this.depth -= 1;
    this.text += bracket;
    this.isCommaDue = true;
  }

  /** The name of the value that follows. */
  name(name: string): void {
    this.add(`${JSON.stringify(name)}:`);
    this.isCommaDue = false;
  }

  string(text: string): void {
    this.value(JSON.stringify(text));
  }

  /** A value that is JSON already. */
  value(json: string): void {
    this.add(json);
    this.isCommaDue = true;
  }

  finish(): Buffer {
    const bytes = Buffer.from(this.text);
    if (bytes.length > this.limit) throw this.tooLarge();
    return bytes;
  }

  private add(json: string): void {
    this.text += this.isCommaDue ? `,${json}` : json;
    if (this.text.length > this.limit) throw this.tooLarge();
  }

  private tooLarge() {
    return invalid(`it is more than ${this.limit} bytes as JSON; "limit" allows no more`);
  }
}
