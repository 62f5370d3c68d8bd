import fc from 'fast-check';

const field = fc.constantFrom('a', 'b', 'id', 'name', 'price', 'items', '`odd name`');

const { inner } = fc.letrec<{ inner: string; root: string; number: string }>((tie) => ({
  root: fc.oneof(
    fc.constantFrom('key', 'text', 'meta.client_id', 'headers.tenant'),
    fc.array(field, { minLength: 1, maxLength: 3 }).map((path) => `json.${path.join('.')}`),
  ),
  number: fc.oneof(
    { depthSize: 'small' },
    fc.nat(1_000).map(String),
    fc.tuple(tie('root'), fc.constantFrom('+', '-', '*'), tie('number')).map((parts) => parts.join(' ')),
    tie('root').map((path) => `$length($string(${path}))`),
  ),
  inner: fc.oneof(
    { depthSize: 'small' },
    tie('root'),
    tie('number'),
    fc.tuple(tie('root'), fc.constantFrom('=', '!=', '<', '>='), tie('number')).map((parts) => parts.join(' ')),
    fc
      .tuple(tie('inner'), tie('inner'), tie('inner'))
      .map(([when, then, other]) => `(${when}) ? (${then}) : (${other})`),
    tie('root').map((path) => `$uppercase($string(${path}))`),
    tie('inner').map((one) => `{ "value": ${one} }`),
  ),
}));

/** Expressions of a configuration that compile, such as `${! json.price * 2 }`. */
export const anyExpression: fc.Arbitrary<string> = inner.map((text) => `\${! ${text} }`);
