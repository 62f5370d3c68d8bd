import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runTidegate } from '../../helpers/command-line.ts';
import { EC, pemOf, SECRET } from '../auth/rig.ts';

async function token(args: readonly string[], input = '') {
  const { status, stdout, stderr } = await runTidegate(['token', ...args], { input, env: { SECRET } });
  return { status, stdout: stdout.trim(), stderr: stderr.trim() };
}

function write(t: TestContext): { readonly config: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [config, key] = [join(folder, 'gateway.yaml'), join(folder, 'key.pem')];
  const pem = pemOf(EC.publicKey).replaceAll('\n', '\n        ');
  writeFileSync(key, EC.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(
    config,
    `log: { driver: embedded, embedded: { memory: true } }
auth:
  devices: { jwt: { secret: "\${SECRET}", algorithms: [ HS256 ], issuer: me, audience: [ a, b ] } }
  partners:
    jwt:
      algorithms: [ ES256 ]
      key: |
        ${pem}
  operators: { basic: { ada: x } }
`,
  );
  return { config, key };
}

test('a token that is created is accepted by its entry, with its claims, and refused by another one', async (t) => {
  const { config, key } = write(t);
  const claims = ['--claim', 'sub=007', '--claim', 'roles:=["trader"]', '--claim', 'note=a=b'];
  const made = await token(['create', config, '--auth', 'devices', ...claims, '--expires', '5m']);
  assert.deepEqual([made.status, made.stderr], [0, '']);
  const checked = await token(['check', config, 'devices'], `${made.stdout}\n`);
  assert.equal(checked.status, 0, checked.stderr);
  const said = JSON.parse(checked.stdout) as { claims: Record<string, unknown>; expires: string };
  const { iat, exp, ...others } = said.claims as { iat: number; exp: number };
  assert.deepEqual(others, { iss: 'me', aud: 'a', sub: '007', roles: ['trader'], note: 'a=b' });
  assert.equal(exp - iat, 300);
  assert.equal(Date.parse(said.expires), exp * 1_000 + 30_000);
  const refused = await token(['check', config, 'partners'], made.stdout);
  assert.deepEqual([refused.status, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^refused with 401 token_algorithm: /);
  const signed = await token(['create', config, '--auth', 'partners', '--key', key, '--claim', 'sub=ben']);
  assert.equal((await token(['check', config, 'partners'], signed.stdout)).status, 0, signed.stderr);
});

test('what is missing for a token is said, and no secret is printed', async (t) => {
  const { config, key } = write(t);
  const rows: [readonly string[], RegExp][] = [
    [['create', config, '--auth', 'partners'], /auth\.partners\.jwt: it has no secret to sign with; .* --key/],
    [['create', config, '--auth', 'devices', '--key', key], /--key .*: its key is for none of HS256/],
    [['create', config, '--auth', 'partners', '--key', config], /is not a private key in PEM/],
    [['create', config, '--auth', 'operators'], /auth\.operators has no jwt/],
    [['create', config, '--auth', 'nobody'], /no entry of auth "nobody"; there are devices, partners, operators/],
    [['create', config, '--auth', 'devices', '--claim', 'sub'], /"sub" is neither name=text nor name:=JSON/],
    [['create', config, '--auth', 'devices', '--claim', 'a:=x'], /what follows a:= is not JSON/],
    [['create', config, '--auth', 'devices', '--expires', '5'], /"5" is not a duration/],
    [['create', config], /--auth/],
    [['hash'], /no password on standard input/],
  ];
  for (const [args, reason] of rows) {
    const { status, stdout, stderr } = await token(args);
    assert.deepEqual([status, stdout], [1, ''], args.join(' '));
    assert.match(stderr, reason);
    assert.ok(!stderr.includes(SECRET));
  }
});

test('a hash of a password is printed, of which the password is no part', async () => {
  const { status, stdout } = await token(['hash'], 'geheim\n');
  assert.equal(status, 0);
  assert.match(stdout, /^\$scrypt\$ln=15,r=8,p=1\$\S+$/);
  assert.ok(!stdout.includes('geheim'));
});
