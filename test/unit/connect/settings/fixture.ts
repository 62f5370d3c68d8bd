import { builtinRegistry } from '../../../../src/config/builtins.ts';
import { examine, type FlatConfig, refusalOf } from '../../../../src/connect/settings/index.ts';

const registry = builtinRegistry();

/** S4's second example. */
export const BINANCE: FlatConfig = {
  name: 'binance-btcusdt-connector',
  'connector.class': 'io.conduktor.connect.websocket.WebSocketSourceConnector',
  'tasks.max': '1',
  'websocket.url': 'wss://stream.binance.com:9443/ws',
  'kafka.topic': 'binance-btcusdt-trades',
  'websocket.subscription.message': '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}',
  'websocket.reconnect.enabled': 'true',
  'websocket.reconnect.interval.ms': '3000',
};

export const SINK: FlatConfig = {
  name: 'partner',
  'connector.class': 'tidegate.WebSocketSinkConnector',
  topics: 'orders,prices',
  'websocket.url': 'wss://partner.example.com/orders',
};

export function look(config: FlatConfig, defaults: FlatConfig = {}) {
  const examined = examine(config, { registry, defaults });
  if (examined === undefined) throw new Error(`there is no class ${config['connector.class']}`);
  return examined;
}

/** The tasks of a connector that has nothing wrong with it. */
export function tasksOf(config: FlatConfig, defaults: FlatConfig = {}) {
  const examined = look(config, defaults);
  if (examined.description === undefined) throw new Error(refusalOf(examined));
  return examined.description.tasks;
}

/** What is wrong with each setting. */
export function errorsOf(config: FlatConfig): Record<string, readonly string[]> {
  const wrong = look(config).checked.filter(({ errors }) => errors.length > 0);
  return Object.fromEntries(wrong.map(({ definition, errors }) => [definition.name, errors]));
}
