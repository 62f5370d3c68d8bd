import type { Said } from '../../helpers/connect-gateway.ts';
import { type Side, type Step, shapeOf } from './side.ts';

type More = Partial<Pick<Step, 'look' | 'until' | 'headers'>>;

export const step = (method: string, path: Step['path'], note = '', more: More & Pick<Step, 'body'> = {}): Step => ({
  ...{ method, path, note },
  ...more,
});

/** `body` is sent as it is where it is text, and may differ by side. */
export const withBody = (
  method: string,
  path: Step['path'],
  note: string,
  body: string | object | ((side: Side) => unknown),
  more: More = {},
): Step => step(method, path, note, { ...more, body: typeof body === 'function' ? (side) => body(side) : () => body });

export const get = (path: Step['path'], note = '', more: More = {}) => step('GET', path, note, more);

/** Until the connector and all its tasks are in that state; only what runs has to have tasks. */
export const inState = (name: string, state: string, note = ''): Step =>
  get(`/connectors/${name}/status`, `once it is ${state}${note === '' ? '' : `, ${note}`}`, {
    until: ({ status, body }: Said) => {
      if (status !== 200 || body.connector.state !== state) return false;
      const states = body.tasks.map((task: { state: string }) => task.state);
      return states.every((one: string) => one === state) && (state !== 'RUNNING' || states.length > 0);
    },
  });

export const source =
  (more: object = {}) =>
  (side: Side) => ({ ...side.sourceConfig, ...more });
export const sink =
  (more: object = {}) =>
  (side: Side) => ({ ...side.sinkConfig, ...more });
export const create = (name: string, note: string, config: (side: Side) => unknown = source(), more: object = {}) =>
  withBody('POST', '/connectors', note, (side) => ({ name, config: config(side), ...more }));
export const without = (config: object, ...keys: string[]) =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));

/** A change of the offset of a sink; undefined leaves a field out. */
export const sinkOffset =
  (partition: unknown, offset: unknown, more: object = {}) =>
  ({ topic }: Side) => [
    { partition: { kafka_topic: topic, kafka_partition: partition, ...more }, offset: { kafka_offset: offset } },
  ];

export function validate(note: string, config: (side: Side) => unknown, more: More = {}): Step {
  return withBody('PUT', ({ source }) => `/connector-plugins/${source}/config/validate`, `validate ${note}`, config, {
    look: commonValues,
    ...more,
  });
}

export function patchOffsets(name: string, note: string, offsets: (side: Side) => unknown): Step {
  return withBody('PATCH', `/connectors/${name}/offsets`, note, (side) => ({ offsets: offsets(side) }));
}

export function withoutConfig(body: unknown): unknown {
  return { ...(body as object), config: null };
}

export function withoutTrace(body: unknown): unknown {
  const { tasks, ...rest } = body as { tasks: { trace: unknown }[] };
  return { ...rest, tasks: tasks.map((task) => ({ ...task, trace: typeof task.trace })) };
}

interface Definition {
  name: string;
  documentation: unknown;
  order: unknown;
}

/** Settings that every connector has; text for people is each side's own. */
const COMMON = [
  'name',
  'connector.class',
  'tasks.max',
  'key.converter',
  'value.converter',
  'errors.tolerance',
  'errors.log.enable',
  'errors.log.include.messages',
];

export function commonDefinitions(body: unknown): unknown {
  const all = body as Definition[];
  return Object.fromEntries(
    all
      .filter(({ name }) => COMMON.includes(name))
      .map((one) => [one.name, { ...one, documentation: typeof one.documentation, order: typeof one.order }]),
  );
}

interface Validation {
  configs: { definition: Definition; value: { name: string } }[];
  groups: unknown;
}

function commonValues(body: unknown): unknown {
  const { configs, groups, ...rest } = body as Validation;
  return {
    ...rest,
    groups: shapeOf(groups),
    configs: Object.fromEntries(
      configs
        .filter(({ value }) => COMMON.includes(value.name))
        .map(({ definition, value }) => [value.name, { definition: shapeOf(definition), value }]),
    ),
  };
}
