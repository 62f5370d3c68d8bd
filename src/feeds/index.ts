import { websocketClientSink } from './sink-component.ts';
import { websocketClientSource } from './source-component.ts';

/** The source and the sink that dial WebSocket servers. */
export const feedComponents = [websocketClientSource, websocketClientSink];
