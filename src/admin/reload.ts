import type { IncomingMessage, ServerResponse } from 'node:http';
import { fixedPathOf, refuseMethod, sendError, sendJson } from './respond.ts';

export const RELOAD_PATH = '/-/reload';

/** How a reload ended; `failure`: why nothing was changed. */
export interface ReloadAnswer {
  readonly report: { readonly result: string };
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
}

/** What operators can see and ask of the configuration that runs. */
export interface ReloadPort {
  /** The generation, and the last reloads. */
  status(): object;
  /** Reads the configuration again. Never rejects. Undefined where there is no file to read. */
  readonly reload: (() => Promise<ReloadAnswer>) | undefined;
}

/** A mistake in the file can be fixed there; the rest is about what runs. */
const STATUS: Readonly<Record<string, number>> = {
  applied: 200,
  unchanged: 200,
  invalid: 422,
  refused: 409,
  failed: 409,
};

/** GET /-/reload says what the last reloads did, POST reads the file again. False for another path. */
export async function answerReload(
  request: IncomingMessage,
  response: ServerResponse,
  { status, reload }: ReloadPort,
): Promise<boolean> {
  if (fixedPathOf(request) !== RELOAD_PATH) return false;
  if (refuseMethod(request, response, ['GET', 'HEAD', 'POST'])) return true;
  if (request.method !== 'POST') sendJson(response, 200, status());
  else if (reload === undefined) {
    sendError(response, 409, 'not_reloadable', 'the gateway was not started from a file that can be read again');
  } else {
    const { report, failure } = await reload();
    const { code = '', message = '' } = failure ?? {};
    const error = failure === undefined ? {} : { error: { code, message } };
    sendJson(response, STATUS[report.result] ?? 500, { ...error, ...report });
  }
  return true;
}
