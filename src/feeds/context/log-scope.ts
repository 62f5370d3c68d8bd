import type { ComponentContext } from '../../sdk/context.ts';

/** Log lines about connections have the scope `remote`, so that `DEBUG=tidegate:remote` selects them. */
export function withRemoteScope<Context extends ComponentContext>(context: Context): Context {
  return { ...context, logger: context.logger.child({ scope: 'remote' }) };
}
