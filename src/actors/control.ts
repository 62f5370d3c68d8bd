/** The object that a machine controls: it carries out orders, which are methods, and answers questions, which are flags. */
export type Control<Order extends string, Question extends string = never> = {
  readonly [name in Question]: boolean;
} & { [name in Order]: () => void };

/** The input and the context of a machine: one reference to what it controls. */
export interface Controlled<C> {
  readonly control: C;
}

/** Actions for xstate's `setup`: each calls the method of that name. */
export function ordersOf<Order extends string>(names: readonly Order[]) {
  type Action = (args: { readonly context: Controlled<Record<Order, () => void>> }) => void;
  const actions = names.map((name): [Order, Action] => [name, ({ context }) => context.control[name]()]);
  return Object.fromEntries(actions) as Record<Order, Action>;
}

/** Guards for xstate's `setup`: each reads the flag of that name. */
export function questionsOf<Question extends string>(names: readonly Question[]) {
  type Guard = (args: { readonly context: Controlled<Readonly<Record<Question, boolean>>> }) => boolean;
  const guards = names.map((name): [Question, Guard] => [name, ({ context }) => context.control[name]]);
  return Object.fromEntries(guards) as Record<Question, Guard>;
}
