import assert from 'node:assert/strict';
import { createHash, createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileConnectTemplate, connectMessage } from '../../../src/sdk/connect-template.ts';
import { compileExpression } from '../../../src/sdk/expression.ts';

const made = (source: unknown, secrets: Record<string, string> = {}, now = 0) =>
  Promise.resolve(compileConnectTemplate(source)(connectMessage({ token: 't', cursor: undefined, now, secrets })));

/** Keys and texts of RFC 4231; the digests of the hashes in it. */
const RFC4231 = [
  [
    '0b'.repeat(20),
    'Hi There',
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    'afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6',
    '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
  ],
  [
    Buffer.from('Jefe').toString('hex'),
    'what do ya want for nothing?',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  ],
  [
    'aa'.repeat(131),
    'Test Using Larger Than Block-Size Key - Hash Key First',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    '4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952',
    '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
  ],
] as const;

test('$hmac gives the digests of RFC 4231, in each encoding', async () => {
  for (const [key, text, ...digests] of RFC4231)
    for (const [at, hash] of ['sha256', 'sha384', 'sha512'].entries()) {
      const digest = Buffer.from(digests[at] as string, 'hex');
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        assert.equal(
          await made(`\${! $hmac('${hash}', meta.secrets.k, '${text}', '${encoding}', 'hex') }`, { k: key }),
          digest.toString(encoding),
        );
    }
});

test('$hash gives the hashes of Node in each encoding, and $hmac takes a text that is written in one', async () => {
  for (const hash of ['sha256', 'sha384', 'sha512'])
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const digest = createHash(hash).update('ü=1').digest();
      assert.equal(await made(`\${! $hash('${hash}', 'ü=1', '${encoding}') }`), digest.toString(encoding));
      assert.equal(
        await made(
          `\${! $hmac('sha512', meta.secrets.k, $hash('${hash}', 'ü=1', '${encoding}'), 'hex', 'utf8', '${encoding}') }`,
          {
            k: 'key',
          },
        ),
        createHmac('sha512', 'key').update(digest).digest('hex'),
      );
    }
  assert.equal(await made("${! $hash('sha256', meta.secrets.none) }"), undefined);
});

test('$hash gives the digests of FIPS 180-4, of a text or of bytes', async () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(await made("${! $hash('sha256', 'abc') }"), abc);
  assert.equal(await made("${! $hash('sha256', '616263', 'hex', 'hex') }"), abc);
  assert.equal(
    await made("${! $hash('sha256', 'YWJj', 'base64', 'base64') }"),
    Buffer.from(abc, 'hex').toString('base64'),
  );
  assert.equal(await made("${! $hash('sha256', meta.nothing) }"), undefined);
});

test('a path and a hash are signed together as bytes, as the REST API of Kraken has it in its example', async () => {
  const k = 'kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==';
  const path = Buffer.from('/0/private/AddOrder').toString('hex');
  const body = "'nonce=' & $nonce & '&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25'";
  const text = `'${path}' & $hash('sha256', $nonce & ${body})`;
  assert.equal(
    await made(
      `\${! ($nonce := $string(meta.now); $hmac('sha512', meta.secrets.k, ${text}, 'base64', 'base64', 'hex')) }`,
      { k },
      1_616_492_376_594,
    ),
    '4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==',
  );
});

/** TEST 1 and TEST 2 of RFC 8032 7.1: key, text and signature. */
const RFC8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    'r',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
] as const;

test('$ed25519 gives the signatures of RFC 8032, with a key in hex or Base64', async () => {
  for (const [key, text, signature] of RFC8032) {
    const hex = Buffer.from(signature, 'hex');
    for (const k of [key, Buffer.from(key, 'hex').toString('base64'), ` ${key}\n`]) {
      assert.equal(await made(`\${! $ed25519(meta.secrets.k, '${text}', 'hex') }`, { k }), signature);
      assert.equal(await made(`\${! $ed25519(meta.secrets.k, '${text}') }`, { k }), hex.toString('base64'));
    }
  }
});

test('$ed25519 takes a key as PEM, whose lines a variable of the environment may have as \\n', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  for (const k of [pem, pem.replaceAll('\n', '\\n')]) {
    const signature = await made("${! $ed25519(meta.secrets.k, 'a=1&b=ü', 'base64url') }", { k });
    assert.ok(verify(null, Buffer.from('a=1&b=ü'), publicKey, Buffer.from(signature ?? '', 'base64url')));
  }
});

test('any secret and text give the HMAC of Node, as hex and with the secret as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), fc.integer({ min: 0 }), async (k, now) => {
      const signed = await made("${! $hmac('sha256', meta.secrets.k, 'at=' & $string(meta.now)) }", { k }, now);
      assert.equal(signed, createHmac('sha256', k).update(`at=${now}`).digest('hex'));
    }),
    { numRuns: 50 },
  );
});

test('meta.now is the same in a field and in the signature of one message', async () => {
  const message = {
    timestamp: '${! meta.now }',
    seconds: '${! $floor(meta.now / 1000) }',
    signature: "${! $hmac('sha256', meta.secrets.k, 'timestamp=' & $string(meta.now)) }",
    token: '${! meta.token }',
    cursor: '${! meta.cursor }',
  };
  const now = 1_731_000_000_123;
  const signature = createHmac('sha256', 'key').update(`timestamp=${now}`).digest('hex');
  assert.deepEqual(JSON.parse((await made(message, { k: 'key' }, now)) ?? ''), {
    timestamp: now,
    seconds: 1_731_000_000,
    signature,
    token: 't',
  });
  assert.equal(await made(["${! $hmac('sha256', meta.secrets.other, 'x') }"]), undefined);
});

test('what can never be signed is found when the expression is compiled, without the secret in the error', () => {
  const cases = [
    ["$hmac('md5', meta.secrets.k, 'x')", /the hash of \$hmac is not one of sha256, sha384, sha512/],
    ["$hmac('sha256', meta.secrets.k, 'x', 'hidden')", /the encoding of \$hmac is not one of hex, base64, base64url/],
    [
      "$hmac('sha256', meta.secrets.k, 'x', 'hex', 'latin1')",
      /the encoding of the secret of \$hmac is not one of utf8/,
    ],
    [
      "$hmac('sha256', meta.secrets.k, 'x', 'hex', 'hex', 'latin1')",
      /the encoding of the text of \$hmac is not one of utf8/,
    ],
    ["$hash('md5', 'x')", /the hash of \$hash is not one of sha256, sha384, sha512/],
    ["$hash('sha256', 'x', 'hidden')", /the encoding of \$hash is not one of/],
    ["$hmac('sha256', 'hidden', 'x')", /the key of \$hmac is written here; write it in secrets/],
    ["meta.now > 5 ? $ed25519('hidden', 'x') : 'y'", /the key of \$ed25519 is written here/],
    ["$ed25519(meta.secrets.k, 'x', 'hidden')", /the encoding of \$ed25519 is not one of/],
  ] as const;
  for (const [source, expected] of cases)
    assert.throws(
      () => compileConnectTemplate(`\${! ${source} }`),
      ({ message }: Error) => expected.test(message) && !message.includes('hidden'),
      source,
    );
});

test('a key or a text that cannot be used fails without showing it', async () => {
  const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const cases = [
    ["$ed25519(meta.secrets.k, 'x')", 'hidden-key', /neither PEM \(PKCS #8\) without a password nor 32 bytes/],
    ["$ed25519(meta.secrets.k, 'x')", String(rsa), /is one for ec$/],
    ["$hmac(meta.secrets.k, meta.secrets.k, 'x')", 'hidden', /the hash of \$hmac is not one of/],
    ["$hmac('sha256', meta.secrets.k, meta.now)", 'hidden', /Argument 3 of function "hmac"/],
  ] as const;
  for (const [source, k, expected] of cases)
    await assert.rejects(
      () => made(`\${! ${source} }`, { k }),
      ({ message }: Error) => expected.test(message) && !message.includes(k),
      source,
    );
});

test('signing functions are known in texts for a server only', () => {
  assert.throws(() => compileExpression("${! $hmac('sha256', json.k, 'x') }"), /uses \$hmac, but JSONata has no such/);
});
