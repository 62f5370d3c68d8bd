import type { Message } from '../../core/message.ts';
import { type AnswerTemplate, withConnect } from '../../sdk/answer-template.ts';
import type { ComponentContext } from '../../sdk/context.ts';
import { Turns } from '../queues/turns.ts';
import type { Redaction } from '../reports/redaction.ts';
import { RepeatedWarning } from '../reports/repeated-warning.ts';

export interface AnswerTextsOptions {
  /** The URL as it may be shown. */
  readonly name: string;
  /** What the connect knows at that moment. */
  readonly values: () => Message;
  readonly redaction: Redaction;
  readonly context: Pick<ComponentContext, 'clock' | 'logger'>;
}

/** Makes the answers of one connection. They keep the order of the calls, also if JSONata needs a moment for some. */
export class AnswerTexts {
  private readonly options: AnswerTextsOptions;
  private readonly turns = new Turns();
  private readonly warning: RepeatedWarning;
  private why = '';
  private isOver = false;

  constructor(options: AnswerTextsOptions) {
    const { name, context } = options;
    this.options = options;
    this.warning = new RepeatedWarning({
      context,
      fields: { url: name },
      counted: 'count',
      first: () => `an answer to a message of ${name} cannot be made: ${this.why}`,
      more: (count, within) =>
        `${count} more answers to messages of ${name} cannot be made within ${within}: ${this.why}`,
    });
  }

  /** `send` gets the text, if there is one. */
  make(template: AnswerTemplate, message: Message, send: (text: string) => void): void {
    const text = template.isPlain ? plainText(template, message) : this.textOf(template, message);
    if (text instanceof Promise || this.turns.isWaiting) this.turns.after(text, (made) => this.pass(made, send));
    else this.pass(text, send);
  }

  /** Calls back once all answers so far are made; not at all if the connection ends before. */
  whenMade(done: () => void): void {
    this.turns.next(() => {
      if (!this.isOver) done();
    });
  }

  /** The connection ends. */
  end(): void {
    this.isOver = true;
    this.warning.stop();
  }

  private pass(text: string | undefined, send: (text: string) => void): void {
    if (text !== undefined && !this.isOver) send(text);
  }

  /** Never rejects. */
  private textOf(template: AnswerTemplate, message: Message): string | undefined | Promise<string | undefined> {
    const { values } = this.options;
    const isOfConnect = template.uses.length > 0;
    const made = (text: string | undefined) => {
      if (isOfConnect && text !== undefined) this.options.redaction.answered(text);
      return text;
    };
    const failed = (error: unknown) => this.failed(template, message, error as Error);
    try {
      const text = template(isOfConnect ? withConnect(message, values()) : message);
      return text instanceof Promise ? text.then(made).catch(failed) : made(text);
    } catch (error) {
      return failed(error);
    }
  }

  private failed(template: AnswerTemplate, message: Message, { message: why }: Error): undefined {
    if (this.isOver || (readsJson(template) && !isJson(message))) return;
    this.why = this.options.redaction.shown(why);
    this.warning.happened();
  }
}

/** A message of which no answer can be made, such as one that is not JSON, does not expect one. */
function plainText(template: AnswerTemplate, message: Message): string | undefined {
  try {
    return template(message) as string | undefined;
  } catch {
    return undefined;
  }
}

function readsJson({ expressions }: AnswerTemplate): boolean {
  return expressions.some(({ reads }) => reads.some(({ path: [root] }) => root === 'json'));
}

function isJson(message: Message): boolean {
  try {
    return message.plainJson !== undefined;
  } catch {
    return false;
  }
}
