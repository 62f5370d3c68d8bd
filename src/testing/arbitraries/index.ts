/** Generators of fast-check for what Tidegate's tests need: messages, frames, handshakes, configurations. */
export { anyConfiguration, anyPipeline, type Configuration, type PipelineSettings } from './configurations.ts';
export { anyConnection, anyHandshake, type Handshake } from './connections.ts';
export { anyExpression } from './expressions.ts';
export { anyFrame, anyFrameContent, clientFrame, type FrameContent } from './frames.ts';
export { anyHeaders } from './headers.ts';
export { anyJson, anyJsonObject } from './json.ts';
export { anyBatch, anyContent, anyMessage, anyPayload, type MessageContent } from './message.ts';
