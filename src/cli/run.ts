import { formatProblem, loadConfig } from '../config/index.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { createLoggerFromEnvironment, type Logger } from '../telemetry/logger.ts';

type Signal = 'SIGTERM' | 'SIGINT';

/** Runs a gateway until a signal stops it. Resolves with the exit code: 1 where messages had to be given up. */
export async function run(file: string): Promise<number> {
  const logger = createLoggerFromEnvironment(process.env);
  const { config, warnings } = await loadConfig(file);
  for (const warning of warnings) logger.warn({}, formatProblem(warning));
  const gateway = await createGateway({ config }, { logger });
  // Listened for from here on, so that a stop during the start is one in order too.
  const signal = nextSignal();
  await gateway.start();
  logger.info({}, `${await signal}: delivering what is on its way, then ending; a second signal ends at once`);
  return await stop(gateway, logger);
}

async function stop(gateway: Gateway, logger: Logger): Promise<number> {
  void nextSignal().then((signal) => {
    logger.error({}, `${signal} again: ending at once; what was on its way may be lost or sent twice`);
    process.exit(1);
  });
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

function nextSignal(): Promise<Signal> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals) => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
      resolve(signal as Signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
