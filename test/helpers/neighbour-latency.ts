import assert from 'node:assert/strict';
import type { TestClient } from './client.ts';

const NEIGHBOURS = 10;
const ROUNDS = 15;

/** Ten clients that do nothing wrong; each message is one after the answer to the one before. */
export class Neighbours {
  private readonly clients: readonly TestClient[];

  private constructor(clients: readonly TestClient[]) {
    this.clients = clients;
  }

  static async open(open: (index: number) => Promise<TestClient>): Promise<Neighbours> {
    const neighbours = new Neighbours(await Promise.all(Array.from({ length: NEIGHBOURS }, (_, index) => open(index))));
    await neighbours.median(3);
    return neighbours;
  }

  /** Milliseconds from a message to its answer, the one in the middle of all. */
  async median(rounds = ROUNDS): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        this.clients.map(async (client) => {
          const sent = performance.now();
          const before = client.of('ACK').length;
          client.send('hello');
          await client.until(() => client.of('ACK').length > before);
          times.push(performance.now() - sent);
        }),
      );
    }
    return times.sort((one, other) => one - other)[times.length >> 1] ?? 0;
  }

  /**
   * Measures alone, beside what `attack` has begun, and alone again where that was slow: the machine may do other work. An
   * attack that gets through takes seconds.
   */
  async keepTheirLatency(attack: () => unknown): Promise<void> {
    const alone = await this.median();
    attack();
    const beside = await this.median();
    const slowest = beside < 4 * alone + 10 ? alone : Math.max(alone, await this.median());
    assert.ok(beside < 4 * slowest + 60, `${beside} ms beside it, ${slowest} ms alone`);
    assert.ok(
      this.clients.every(({ closed }) => closed === undefined),
      'a neighbour was closed',
    );
  }

  leave(): void {
    for (const client of this.clients) client.ws.terminate();
  }
}
