import { quoteValue } from '../../core/quote.ts';
import type { ConnectorCommands } from '../cluster/commands.ts';
import type { TargetState } from '../cluster/config-records.ts';
import { isObject, type OffsetChange } from '../cluster/offset-table.ts';
import { ConnectRefusal } from '../cluster/refusal.ts';
import type { ConnectorViews } from '../cluster/views.ts';
import { answer, type Call, flagOf, flatConfigOf, objectOf, refuseUnknown, textOf } from './call.ts';
import type { Route } from './routes.ts';

const INITIAL_STATES: readonly TargetState[] = ['RUNNING', 'PAUSED', 'STOPPED'];

export interface ConnectorRouteOptions {
  readonly views: ConnectorViews;
  readonly commands: ConnectorCommands;
  /** Where this gateway is reached, for the Location of what was made. */
  readonly url: () => string;
  /** Why the connectors are not available yet, after a while: as in Connect, callers wait while a worker starts. */
  readonly notReadyReason: () => Promise<string | undefined>;
}

/** `/connectors` and everything below it. */
export function connectorRoutes(options: ConnectorRouteOptions): Route[] {
  const { notReadyReason } = options;
  return [...configRoutes(options), ...stateRoutes(options), ...historyRoutes(options)].map((route) => ({
    ...route,
    handle: async (call) => {
      const why = await notReadyReason();
      if (why !== undefined) throw new ConnectRefusal(503, `Worker is still starting up: ${why}`);
      return route.handle(call);
    },
  }));
}

function at(method: string, path: string, handle: Route['handle']): Route {
  return { method, path: `/connectors${path}`, handle };
}

/** Which connectors there are, and their settings. */
function configRoutes({ views, commands, url }: ConnectorRouteOptions): Route[] {
  const created = (name: string) => ({ location: `${url()}/connectors/${encodeURIComponent(name)}` });
  return [
    at('GET', '', ({ query }) => answer(200, list(views, query.getAll('expand')))),
    at('POST', '', async (call) => {
      const { name, config, state } = creation(call);
      return answer(201, await commands.create(name, config, state), created(name));
    }),
    at('GET', '/{connector}', (call) => answer(200, views.info(nameOf(call)))),
    at('DELETE', '/{connector}', async (call) => {
      await commands.delete(nameOf(call));
      return answer(204);
    }),
    at('GET', '/{connector}/config', (call) => answer(200, views.config(nameOf(call)))),
    at('PUT', '/{connector}/config', async (call) => {
      const name = nameOf(call);
      const { isNew, info } = await commands.put(name, flatConfigOf(objectOf(call)));
      return isNew ? answer(201, info, created(name)) : answer(200, info);
    }),
    at('PATCH', '/{connector}/config', async (call) =>
      answer(200, await commands.patch(nameOf(call), flatConfigOf(objectOf(call)))),
    ),
  ];
}

/** How they and their tasks fare, and what they shall do. */
function stateRoutes({ views, commands }: ConnectorRouteOptions): Route[] {
  const target = (state: TargetState, status: number) => async (call: Call) => {
    await commands.setState(nameOf(call), state);
    return answer(status);
  };
  return [
    at('GET', '/{connector}/status', (call) => answer(200, views.status(nameOf(call)))),
    at('GET', '/{connector}/tasks', (call) => answer(200, views.tasks(nameOf(call)))),
    at('GET', '/{connector}/tasks/{task}/status', (call) => answer(200, views.taskStatus(nameOf(call), taskOf(call)))),
    at('POST', '/{connector}/restart', async (call) => {
      const includeTasks = flagOf(call, 'includeTasks');
      const onlyFailed = flagOf(call, 'onlyFailed');
      const status = await commands.restart(nameOf(call), { includeTasks, onlyFailed });
      return includeTasks || onlyFailed ? answer(202, status) : answer(204);
    }),
    at('POST', '/{connector}/tasks/{task}/restart', async (call) => {
      await commands.restartTask(nameOf(call), taskOf(call));
      return answer(204);
    }),
    at('PUT', '/{connector}/pause', target('PAUSED', 202)),
    at('PUT', '/{connector}/resume', target('RUNNING', 202)),
    at('PUT', '/{connector}/stop', target('STOPPED', 204)),
  ];
}

/** Which topics they have used, and how far they have come. */
function historyRoutes({ views, commands }: ConnectorRouteOptions): Route[] {
  return [
    at('GET', '/{connector}/topics', (call) => answer(200, views.topics(nameOf(call)))),
    at('PUT', '/{connector}/topics/reset', async (call) => {
      await commands.resetTopics(nameOf(call));
      return answer(202);
    }),
    at('GET', '/{connector}/offsets', async (call) => answer(200, await views.offsets(nameOf(call)))),
    at('PATCH', '/{connector}/offsets', async (call) => {
      const changes = offsetChanges(call);
      return answer(200, { message: await commands.alterOffsets(nameOf(call), changes) });
    }),
    at('DELETE', '/{connector}/offsets', async (call) =>
      answer(200, { message: await commands.resetOffsets(nameOf(call)) }),
    ),
  ];
}

function nameOf({ params }: Call): string {
  return params.connector ?? '';
}

function taskOf({ params }: Call): number {
  return Number(params.task);
}

/** Names, or a map of what is asked for. A connector without a status yet is left out of it, as in Connect. */
function list(views: ConnectorViews, expand: readonly string[]): object {
  const names = views.names();
  if (expand.length === 0) return names;
  const expanded: [name: string, what: object][] = [];
  for (const name of names) {
    try {
      const what = {
        ...(expand.includes('status') ? { status: views.status(name) } : {}),
        ...(expand.includes('info') ? { info: views.info(name) } : {}),
      };
      expanded.push([name, what]);
    } catch (error) {
      if (!(error instanceof ConnectRefusal)) throw error;
    }
  }
  return Object.fromEntries(expanded);
}

function creation(call: Call) {
  const request = objectOf(call);
  refuseUnknown(request, ['name', 'config', 'initial_state']);
  const { name, config, initial_state } = request;
  if (config === undefined || config === null) throw new ConnectRefusal(400, 'The request has no "config"');
  const settings = flatConfigOf(config);
  const state = textOf('initial_state', initial_state ?? 'RUNNING').toUpperCase();
  const known = INITIAL_STATES.find((one) => one === state);
  if (known === undefined)
    throw new ConnectRefusal(
      400,
      `initial_state must be one of ${INITIAL_STATES.join(', ')}, not ${quoteValue(state)}`,
    );
  // Connect takes blanks and control characters off both ends, as String.trim does.
  return { name: textOf('name', name ?? '').replace(/^[\0-\x20]+|[\0-\x20]+$/g, ''), config: settings, state: known };
}

function offsetChanges(call: Call): OffsetChange[] {
  const request = objectOf(call);
  refuseUnknown(request, ['offsets']);
  const { offsets } = request;
  if (offsets === undefined || offsets === null || (Array.isArray(offsets) && offsets.length === 0))
    throw new ConnectRefusal(400, 'Partitions / offsets need to be provided for an alter offsets request');
  if (!Array.isArray(offsets)) throw new ConnectRefusal(400, '"offsets" must be a list');
  return offsets.map((each: unknown) => {
    if (!isObject(each))
      throw new ConnectRefusal(400, 'Each of the offsets is an object with "partition" and "offset"');
    refuseUnknown(each, ['partition', 'offset']);
    const { partition = null, offset = null } = each;
    if (partition !== null && !isObject(partition)) throw new ConnectRefusal(400, 'A partition is an object');
    if (offset !== null && !isObject(offset)) throw new ConnectRefusal(400, 'An offset is an object, or null');
    return { partition, offset };
  });
}
