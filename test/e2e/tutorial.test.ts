import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestClient } from '../helpers/client.ts';
import { freePort, until } from '../helpers/gateway-process.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const RUNNING = /^(.*?npx tidegate run \S+)/;

test('each command of the tutorial does what the page says, in its order', async (t) => {
  const reader = await Reader.begin(t);
  const steps = stepsOf(readFileSync(join(ROOT, 'docs/tutorial.md'), 'utf8'));
  for (const step of steps) await reader.take(step);
  await reader.stop();
  assert.deepEqual(reader.taken, { yaml: 2, run: 3, wscat: 6, other: 2, printed: 1 });
});

interface Step {
  readonly language: string;
  readonly code: string;
}

/** Fenced blocks in their order; those before the first configuration install what is to be tried. */
function stepsOf(page: string): readonly Step[] {
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language = '', code = '']) => ({
    language,
    code: code.trimEnd(),
  }));
  return blocks.slice(blocks.findIndex(({ language }) => language === 'yaml'));
}

/** Someone who follows the page: what is to be typed is typed, and what the next block shows has to appear. */
class Reader {
  readonly taken = { yaml: 0, run: 0, wscat: 0, other: 0, printed: 0 };
  private readonly folder = mkdtempSync(join(tmpdir(), 'tidegate-tutorial-'));
  private readonly ports: { readonly public: number; readonly admin: number };
  private gateway: ChildProcess | undefined;
  private printed = '';
  /** What the next block of text is compared with. */
  private expect: ((shown: string) => Promise<void>) | undefined;

  private constructor(ports: Reader['ports']) {
    this.ports = ports;
    // `npx tidegate` is what was built for these tests.
    this.install('npx', `shift; echo $$ > pid; exec ${process.execPath} ${join(ROOT, 'bin/tidegate')} "$@"`);
    // Prints at once, as it does in a terminal.
    this.install('grep', `PATH=${process.env.PATH} exec grep --line-buffered "$@"`);
  }

  static async begin(t: TestContext): Promise<Reader> {
    const reader = new Reader({ public: await freePort(), admin: await freePort() });
    t.after(async () => {
      await reader.stop('SIGKILL');
      rmSync(reader.folder, { recursive: true });
    });
    return reader;
  }

  private install(name: string, command: string): void {
    writeFileSync(join(this.folder, name), `#!/bin/sh\n${command}\n`);
    chmodSync(join(this.folder, name), 0o755);
  }

  async take({ language, code }: Step): Promise<void> {
    if (language === 'yaml') {
      this.taken.yaml++;
      writeFileSync(join(this.folder, 'readings.yaml'), code);
    } else if (language === 'sh') {
      await this.type(code);
    } else {
      assert.ok(this.expect, `nothing prints: ${code}`);
      await this.expect(code);
    }
  }

  private async type(command: string): Promise<void> {
    const [, url] = /^npx wscat -c (\S+)$/.exec(command) ?? [];
    if (url !== undefined) {
      this.taken.wscat++;
      this.expect = (shown) => this.talk(url, shown);
    } else if (RUNNING.test(command)) {
      this.taken.run++;
      await this.start(command);
    } else {
      this.taken.other++;
      const child = this.spawn(command);
      const output = await printedBy(child);
      this.expect = async (shown) => {
        assert.match(output.trimEnd(), pattern(shown));
      };
    }
  }

  private spawn(command: string): ChildProcess {
    return spawn('sh', ['-c', this.atItsPorts(command)], {
      cwd: this.folder,
      env: { HOME: process.env.HOME, PATH: `${this.folder}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** The gateway of this test is at ports that are free. */
  private atItsPorts(text: string): string {
    return text
      .replace(RUNNING, `PORT=${this.ports.public} ADMIN_PORT=${this.ports.admin} $1`)
      .replace('localhost:9090', `127.0.0.1:${this.ports.public}`)
      .replace('localhost:8080', `127.0.0.1:${this.ports.admin}`);
  }

  private async start(command: string): Promise<void> {
    await this.stop();
    this.printed = '';
    this.gateway = this.spawn(command);
    this.gateway.stdout?.on('data', (chunk: Buffer) => {
      this.printed += chunk.toString();
    });
    await until(
      async () => (await fetch(`http://127.0.0.1:${this.ports.admin}/ready`).catch(() => undefined))?.status === 200,
      30_000,
      () => `the gateway is not ready:\n${this.printed}`,
    );
  }

  /** Ctrl-C. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const { gateway } = this;
    this.gateway = undefined;
    if (gateway === undefined) return;
    const ended = once(gateway, 'close');
    process.kill(Number(readFileSync(join(this.folder, 'pid'), 'utf8')), signal);
    await ended;
  }

  /** Types the lines with `>`, and reads until there is what the lines with `<` say. */
  private async talk(url: string, shown: string): Promise<void> {
    const client = await TestClient.open(this.atItsPorts(url));
    const lines = shown.split('\n');
    const answers = lines.filter((line) => line.startsWith('< ')).map((line) => line.slice(2));
    for (const line of lines.filter((line) => line.startsWith('> '))) client.ws.send(line.slice(2));
    await client.until(() => client.frames.length >= answers.length);
    assert.match(client.frames.join('\n'), pattern(answers.join('\n')));
    await client.close();
    this.expect = (printed) => this.watch(printed);
  }

  /** What the gateway prints. Spans are printed as they end, those of two pipelines in either order. */
  private async watch(shown: string): Promise<void> {
    this.taken.printed++;
    const lines = shown.split('\n').length;
    await until(
      () => this.printed.trimEnd().split('\n').length >= lines,
      20_000,
      () => `the gateway printed less:\n${this.printed}`,
    );
    const traces = this.printed.match(/(?<=traceId: ')\w+/g) ?? [];
    assert.equal(new Set(traces).size, 1);
    assert.match(sorted(this.printed.trimEnd()), pattern(sorted(shown)));
  }
}

async function printedBy(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, 'close');
  return output;
}

function sorted(text: string): string {
  return text.split('\n').sort().join('\n');
}

/** The literal text, where … is any part of a line. */
function pattern(shown: string): RegExp {
  const parts = shown.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
