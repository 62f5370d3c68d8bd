import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { interpolate } from '../../../src/config/yaml/interpolate.ts';
import { LITERAL_MARK } from '../../../src/sdk/literal.ts';

const env = { HOST: 'kafka', PORT: '9092', EMPTY: '', TRICKY: '${HOST} and ${! meta.id }' };

describe('variables in a scalar', () => {
  const cases: [string, string, string][] = [
    ['a text without variables stays as it is', 'plain $ {text}', 'plain $ {text}'],
    ['a variable is filled in', '${HOST}:${PORT}', 'kafka:9092'],
    ['a default is not used where the variable is set', '${HOST:other}', 'kafka'],
    ['a default is used where it is not set', '${NONE:other}', 'other'],
    ['set but empty counts as unset', '${EMPTY:other}', 'other'],
    ['a default may be empty', '${NONE:}', ''],
    ['the default begins after the first colon', '${NONE:host:9092}', 'host:9092'],
    ['defaults nest', '${NONE:${NEITHER:${HOST:x}}}', 'kafka'],
    ['defaults nest down to an empty one', '${NONE:${NEITHER:}}', ''],
    ['braces in a default are counted', '${NONE:{"a":{"b":1}}}', '{"a":{"b":1}}'],
    ['$${ is a literal ${', '$${HOST} costs', '${HOST} costs'],
    ['$${ is a literal in a default too', '${NONE:$${HOST}}', '${HOST}'],
    ['an unset variable in a default that is not needed is none of our business', '${HOST:${NONE}}', 'kafka'],
    ['expressions are left alone', '${! meta.client_id }', '${! meta.client_id }'],
    ['variables inside expressions are left alone', "${! $join(['${HOST}', '}']) }", "${! $join(['${HOST}', '}']) }"],
    ['a default may be an expression', '${NONE:${! meta.id }}', '${! meta.id }'],
  ];
  for (const [title, text, expected] of cases) {
    test(title, () => {
      const filled = interpolate(text, env);
      assert.deepEqual(filled.mistakes, []);
      assert.equal(filled.text, expected);
    });
  }

  test('defaults beside each other are not nested, however many they are', () => {
    const filled = interpolate('${NONE:x}'.repeat(100), env);
    assert.deepEqual([filled.mistakes, filled.text], [[], 'x'.repeat(100)]);
  });

  test('the value of a variable is not parsed, and its ${! is not an expression', () => {
    assert.equal(interpolate('${TRICKY}', env).text, `\${HOST} and $${LITERAL_MARK}{! meta.id }`);
  });

  test('a ${! that several pieces make is not an expression', () => {
    assert.equal(interpolate('${D}{! x }', { D: '$' }).text, `$${LITERAL_MARK}{! x }`);
  });

  test('$${! is not an expression', () => {
    assert.equal(interpolate('$${! x } ${! y }', {}).text, `$${LITERAL_MARK}{! x } \${! y }`);
  });

  test('the variables of a text are returned, set or not', () => {
    assert.deepEqual(interpolate('${HOST}${NONE:${NEITHER:}}', env).variables, ['HOST', 'NONE', 'NEITHER']);
  });
});

describe('mistakes in a scalar', () => {
  const cases: [string, string, RegExp][] = [
    ['an unset variable without a default is named', '${NONE}', /variable NONE is not set and has no default/],
    ['an empty one too', '${EMPTY}', /variable EMPTY is set but empty/],
    ['a variable with a similar name is suggested', '${HOTS}', /did you mean "HOST"/],
    ['a brace that is missing', 'a ${HOST', /has no } that closes it/],
    ['a brace that is missing after a default', '${HOST:x', /has no } that closes it/],
    ['a name that is none', '${not a name}', /does not name a variable; write \$\{NAME\}/],
  ];
  for (const [title, text, expected] of cases) {
    test(title, () => {
      const { mistakes } = interpolate(text, env);
      assert.equal(mistakes.length, 1);
      assert.match(mistakes[0] ?? '', expected);
    });
  }
});
