/** A message of an example: its payload as text, or with what else matters. */
export type ExampleMessage =
  | string
  | {
      readonly text?: string;
      /** A payload of bytes. */
      readonly base64?: string;
      readonly key?: string | null;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** What a component does with a message, for its page in the reference. A test runs it. */
export interface Example<Config> {
  /** What it shows: "Remove what no reader may see". */
  readonly title: string;
  readonly config: Config;
  /** A list for operators: one message behind the other. */
  readonly input?: ExampleMessage | readonly ExampleMessage[];
  /** null: the message ends here. An error: its code and the beginning of its message. */
  readonly output?: ExampleMessage | readonly ExampleMessage[] | { readonly error: string } | null;
}

/** The example, where there is more of it than settings. */
export function titledExample<Config>(example: Config | Example<Config>): Example<Config> | undefined {
  if (typeof example !== 'object' || example === null) return undefined;
  return 'title' in example && 'config' in example ? example : undefined;
}

/** The settings of an example. */
export function exampleConfig<Config>(example: Config | Example<Config>): Config {
  const titled = titledExample(example);
  return titled === undefined ? (example as Config) : titled.config;
}
