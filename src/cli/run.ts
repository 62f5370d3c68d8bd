import { systemClock } from '../core/clock.ts';
import { endProcess } from '../core/process-end.ts';
import { createGateway, type Gateway, type GatewayOptions } from '../index.ts';
import { createLoggerFromEnvironment, type Logger } from '../telemetry/logger.ts';
import { FileWatch } from './file-watch.ts';
import { logStrayOutput } from './stray-output.ts';

type Signal = 'SIGTERM' | 'SIGINT';

/** Ctrl-C under npm or a file watcher comes twice: from the terminal, and passed on by the parent. That is one signal. */
const PASSED_ON_WITHIN_MS = 1_000;

/**
 * Runs a gateway until a signal stops it. SIGHUP reads the configuration again, and so does a change of its file with `isWatching`. Resolves with the exit code: 1 where messages had to be given up. Rejects, once
 * all is closed, if it cannot do its work until the operator changes something.
 */
export async function run(options: GatewayOptions, isWatching = false): Promise<number> {
  const logger = createLoggerFromEnvironment(process.env);
  logStrayOutput(logger);
  // A terminal that was closed, or a reader of a pipe that has ended, is no reason to lose unsettled messages.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('uncaughtException', (error) => {
    logger.error({ error }, `an unexpected error in Tidegate or in a plugin ended the gateway: ${String(error)}`);
    void endProcess(1);
  });
  // A signal without a listener ends the process, so this is first. It may come before there is anything to reload.
  const hangUps = new HangUps();
  process.on('SIGHUP', () => hangUps.came());
  const gateway = await createGateway({ ...options, logger });
  const files = () => gateway.inspect().config.files;
  const watch = new FileWatch(files, () => reload(gateway, logger, 'watch'), systemClock);
  if (isWatching) await watch.begin();
  // Listened for from here on, so that a stop during the start is one in order too.
  const signal = firstSignal((second) => {
    logger.error({}, `${second} again: ending at once; in-flight messages may be lost or sent twice`);
    void endProcess(1);
  });
  await gateway.start();
  hangUps.become(() => reload(gateway, logger, 'signal'));
  const reason = await Promise.race([signal, gateway.failed]);
  // systemd may send SIGHUP right behind SIGTERM.
  hangUps.become(() => {});
  watch.close();
  if (typeof reason === 'string') {
    logger.info({}, `${reason}: delivering in-flight messages, then ending; a second SIGTERM or SIGINT ends at once`);
    return await stop(gateway, logger);
  }
  await gateway.stop();
  throw reason;
}

/** Why nothing was changed is in the log by then, unless there is no file to read. */
function reload(gateway: Gateway, logger: Logger, cause: 'signal' | 'watch'): void {
  gateway.reload(undefined, cause).catch((error: Error) => {
    if (gateway.inspect().config.files.length === 0) logger.warn({}, `SIGHUP: ${error.message}`);
  });
}

/** What SIGHUP does, which changes in the life of the process. */
class HangUps {
  private isWaiting = false;
  private action: (() => void) | undefined;

  came(): void {
    if (this.action === undefined) this.isWaiting = true;
    else this.action();
  }

  /** Does so for the one that came before as well. */
  become(action: () => void): void {
    this.action = action;
    if (this.isWaiting) action();
    this.isWaiting = false;
  }
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
  });
}
