import { endProcess } from '../core/process-end.ts';
import { createGateway, type Gateway, type GatewayOptions } from '../index.ts';
import { createLoggerFromEnvironment, type Logger } from '../telemetry/logger.ts';
import { logStrayOutput } from './stray-output.ts';

type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/** Ctrl-C under npm or a file watcher comes twice: from the terminal, and passed on by the parent. That is one signal. */
const PASSED_ON_WITHIN_MS = 1_000;

/**
 * Runs a gateway until a signal stops it. Resolves with the exit code: 1 where messages had to be given up. Rejects, once
 * all is closed, if it cannot do its work until the operator changes something.
 */
export async function run(options: GatewayOptions): Promise<number> {
  const logger = createLoggerFromEnvironment(process.env);
  logStrayOutput(logger);
  // A terminal that was closed, or a reader of a pipe that has ended, is no reason to lose unsettled messages.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('uncaughtException', (error) => {
    logger.error({ error }, `an unexpected error in Tidegate or in a plugin ended the gateway: ${String(error)}`);
    void endProcess(1);
  });
  const gateway = await createGateway({ ...options, logger });
  // Listened for from here on, so that a stop during the start is one in order too.
  const signal = firstSignal((second) => {
    logger.error({}, `${second} again: ending at once; in-flight messages may be lost or sent twice`);
    void endProcess(1);
  });
  await gateway.start();
  const reason = await Promise.race([signal, gateway.failed]);
  if (typeof reason === 'string') {
    logger.info({}, `${reason}: delivering in-flight messages, then ending; a second SIGTERM or SIGINT ends at once`);
    return await stop(gateway, logger);
  }
  await gateway.stop();
  throw reason;
}

async function stop(gateway: Gateway, logger: Logger): Promise<number> {
  const { unsettled } = await gateway.stop();
  if (unsettled === 0) {
    logger.info({}, 'stopped; nothing was lost');
    return 0;
  }
  const messages = unsettled === 1 ? '1 message was' : `${unsettled} messages were`;
  logger.error(
    { unsettled },
    `stopped, but ${messages} not in the log by the deadline; their senders should send them again`,
  );
  return 1;
}

function firstSignal(onSecond: (signal: Signal) => void): Promise<Signal> {
  return new Promise((resolve) => {
    let first: { readonly signal: Signal; readonly time: number } | undefined;
    const onSignal = (name: NodeJS.Signals) => {
      const signal = name as Signal;
      if (first === undefined) {
        first = { signal, time: performance.now() };
        resolve(signal);
      } else if (signal !== first.signal || performance.now() - first.time > PASSED_ON_WITHIN_MS) {
        onSecond(signal);
      }
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    // A terminal that closes sends it, and systemd right behind SIGTERM: it begins a stop as they do, and cuts none short.
    process.on('SIGHUP', resolve);
  });
}
