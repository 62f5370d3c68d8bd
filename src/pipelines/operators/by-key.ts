import { concatMap, from, map, type Observable, of } from 'rxjs';
import { Batch, type Expression, type Message, type OperatorHost, TidegateError } from '../../sdk/index.ts';

/** Says whether a message goes on now. Where it does not, it was ended, or is kept to be passed on or settled later. */
type Decision = (message: Message, key: string) => boolean;

/**
 * Decides about one message after the other, by the text of an expression. As long as that is synchronous no promise is
 * made. A message without a key fails.
 */
export function byKey(
  batches$: Observable<Batch>,
  by: Expression | undefined,
  host: OperatorHost,
  decide: Decision,
): Observable<Batch> {
  const goesOn = (message: Message): boolean | Promise<boolean> => {
    if (message.isSettled) return false;
    try {
      const key = by === undefined ? '' : by.evaluateText(message);
      if (!(key instanceof Promise)) return decide(message, required(key, by));
      return key
        .then((ready) => !message.isSettled && decide(message, required(ready, by)))
        .catch((error: unknown) => failed(message, error));
    } catch (error) {
      return failed(message, error);
    }
  };
  const failed = (message: Message, error: unknown): false => {
    host.fail(message, error);
    return false;
  };
  return batches$.pipe(
    concatMap(({ messages }) => {
      const kept = chosen(messages, 0, [], goesOn);
      return kept instanceof Promise ? from(kept) : of(kept);
    }),
    map((kept) => new Batch(kept)),
  );
}

function chosen(
  messages: readonly Message[],
  start: number,
  kept: Message[],
  goesOn: (message: Message) => boolean | Promise<boolean>,
): Message[] | Promise<Message[]> {
  for (let at = start; at < messages.length; at += 1) {
    const message = messages[at] as Message;
    const verdict = goesOn(message);
    if (verdict instanceof Promise)
      return verdict.then((isKept) => {
        if (isKept) kept.push(message);
        return chosen(messages, at + 1, kept, goesOn);
      });
    if (verdict === true) kept.push(message);
  }
  return kept;
}

function required(key: string | undefined, by: Expression | undefined): string {
  if (key !== undefined) return key;
  throw new TidegateError('TG_EXPRESSION_FAILED', `by: ${by?.text ?? ''} gives no value`);
}
