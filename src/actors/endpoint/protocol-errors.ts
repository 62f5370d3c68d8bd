import type { Clock } from '../../core/clock.ts';
import { LineLimit, sinceLastLine } from '../../telemetry/line-limit.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { FRAME_TOO_LONG } from './connection-machine.ts';

/** What the operator can do, for codes whose clients may mean well. */
const ADVICE: Readonly<Record<number, string>> = {
  1009: '; raise max_payload of the endpoint if clients need it',
};

/** Says which clients break RFC 6455 or send more than they may, in one line a minute for each close code. */
export class ProtocolErrors {
  private readonly endpoint: string;
  private readonly logger: Logger;
  private readonly limit: LineLimit;

  constructor(endpoint: string, clock: Clock, logger: Logger) {
    this.endpoint = endpoint;
    this.logger = logger;
    this.limit = new LineLimit(clock);
  }

  /** `client`: which one it is, for the log. */
  add(client: { readonly client_id: string; readonly remote: string }, code: number, message: string): void {
    const isSlow = message === FRAME_TOO_LONG;
    const advice = isSlow ? '; raise frame_timeout of the endpoint if clients need it' : (ADVICE[code] ?? '');
    const count = this.limit.count(isSlow ? message : String(code));
    if (count === 0) return;
    const more = sinceLastLine(count, `were closed with ${code}`);
    this.logger.warn(
      { ...client, code, count },
      `a client of ${this.endpoint} broke the WebSocket protocol and is closed with ${code}: ${message}${advice}${more}`,
    );
  }
}
