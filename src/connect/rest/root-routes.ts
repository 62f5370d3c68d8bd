import { answer } from './call.ts';
import type { Route } from './routes.ts';

/** The version of the API that is offered; tools read it to see what they may call. */
export const API_VERSION = '4.1.0';

export interface RootRouteOptions {
  readonly version: string;
  readonly clusterId: () => Promise<string>;
  /** Why connectors cannot be asked about yet. */
  readonly notReadyReason: () => string | undefined;
}

/** `/` and `/health`. */
export function rootRoutes({ version, clusterId, notReadyReason }: RootRouteOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      handle: async () =>
        answer(200, { version: API_VERSION, commit: `tidegate-${version}`, kafka_cluster_id: await clusterId() }),
    },
    {
      method: 'GET',
      path: '/health',
      handle: () => {
        const why = notReadyReason();
        return why === undefined
          ? answer(200, { status: 'healthy', message: 'Worker has completed startup and is ready to handle requests.' })
          : answer(503, { status: 'starting', message: `Worker is still starting up: ${why}` });
      },
    },
  ];
}
