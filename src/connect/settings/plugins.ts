import type { ConnectorPlugin } from './plugin.ts';
import { sinkPlugin } from './sink-plugin.ts';
import { sourcePlugin } from './source-plugin.ts';

/** In Connect's order: sinks before sources, then by class. */
export const plugins: readonly ConnectorPlugin[] = [sinkPlugin, sourcePlugin];

/** The plugin whose class has this name, in full or short; undefined where there is none. */
export function pluginOf(name: string): ConnectorPlugin | undefined {
  return plugins.find(({ classes }) => classes.some((one) => namesOf(one).includes(name)));
}

/** `a.b.WebSocketSourceConnector`, `WebSocketSourceConnector`, `WebSocketSource`. */
function namesOf(full: string): string[] {
  const simple = full.slice(full.lastIndexOf('.') + 1);
  return [full, simple, simple.replace(/Connector$/, '')];
}
