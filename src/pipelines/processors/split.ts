import {
  defineProcessor,
  type FieldPath,
  field,
  type Message,
  notA,
  quoteValue,
  TidegateError,
  writeJson,
  z,
} from '../../sdk/index.ts';

const NEWLINE = Buffer.from('\n');
const RETURN = 0x0d;

export const split = defineProcessor({
  name: 'split',
  splits: true,
  summary: 'Makes several messages of one: of the values of a list, of lines, or of parts between delimiters.',
  description:
    'Each part has the key, headers and timestamp of the whole. The whole is settled when all of its parts are: a client gets one answer, an offset is committed once, and one part that fails fails the whole. Empty lines and empty parts are left out; a message without parts ends here and counts as filtered. Numbers keep all their digits. A record without a value passes.',
  config: z
    .strictObject({
      path: z
        .union([z.literal('.'), field.path()])
        .optional()
        .describe(
          'Path of a list in a JSON payload; `.` where the payload itself is the list. Each value becomes a message of JSON.',
        ),
      lines: field.boolean().prefault(false).describe('Whether each line becomes a message, without its line end.'),
      delimiter: field
        .plainText()
        .min(1, 'expected at least one character')
        .optional()
        .describe('Text between the parts.'),
      max: field
        .integer({ min: 1, max: 1_000_000 })
        .prefault(10_000)
        .describe('Most parts; a message of more fails. Each part takes some hundred bytes besides its content.'),
    })
    .refine(
      ({ path, lines, delimiter }) =>
        [path !== undefined, lines, delimiter !== undefined].filter((way) => way).length === 1,
      'give exactly one of path, lines and delimiter',
    ),
  failures: ['With `path`: the payload is not JSON, or has no list there.', 'There are more than `max` parts.'],
  examples: [
    {
      title: 'One frame with many trades',
      config: { path: 'trades' },
      input: { text: '{"trades":[{"id":9007199254740993},{"id":2}]}', key: 'BTC' },
      output: [
        { text: '{"id":9007199254740993}', key: 'BTC' },
        { text: '{"id":2}', key: 'BTC' },
      ],
    },
    { title: 'Lines', config: { lines: true }, input: 'first\r\n\nsecond\n', output: ['first', 'second'] },
    { title: 'Parts between delimiters', config: { delimiter: ';' }, input: 'a;b;;c', output: ['a', 'b', 'c'] },
    {
      title: 'More parts than allowed fail',
      config: { path: '.', max: 2 },
      input: '[1,2,3]',
      output: { error: 'TG_MESSAGE_INVALID: the payload has more than 2 parts' },
    },
  ],
  create: ({ path, lines, delimiter, max }) => {
    const between = delimiter === undefined ? NEWLINE : Buffer.from(delimiter);
    const partsOf = (message: Message) =>
      path === undefined ? pieces(message.payload, between, lines, max) : values(message.json, path, max);
    return {
      process: (message) => {
        if (message.isTombstone) return message;
        const parts = partsOf(message);
        if (parts.length === 0) return null;
        return message.split(parts.map((payload) => ({ payload })));
      },
    };
  },
});

function values(json: unknown, path: FieldPath | '.', max: number): Buffer[] {
  const list = path === '.' ? json : path.in(json);
  if (!Array.isArray(list))
    throw path === '.'
      ? notA('a JSON list')
      : new TidegateError('TG_MESSAGE_INVALID', `the payload has no list ${quoteValue(path.text)}`);
  if (list.length > max) throw tooMany(max);
  return list.map((value: unknown) => Buffer.from(writeJson(value) ?? 'null'));
}

function pieces(payload: Buffer, delimiter: Buffer, lines: boolean, max: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from <= payload.length; ) {
    const found = payload.indexOf(delimiter, from);
    const next = found < 0 ? payload.length : found;
    const end = lines && next > from && payload[next - 1] === RETURN ? next - 1 : next;
    if (end > from) {
      if (parts.length === max) throw tooMany(max);
      parts.push(payload.subarray(from, end));
    }
    from = next + delimiter.length;
  }
  return parts;
}

function tooMany(max: number): TidegateError {
  return new TidegateError('TG_MESSAGE_INVALID', `the payload has more than ${max} parts; split.max allows no more`);
}
