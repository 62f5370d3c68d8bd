/*
 * The parts of kafkajs 2.2.4 that are used below its public API: broker connections with authentication, request
 * queues and the protocol's encoders. Typed by hand as far as they are used. kafkajs is pinned to exactly this
 * version, and connection.ts refuses to run with another one.
 */
declare module 'kafkajs/src/network/requestQueue/socketRequest.js' {
  class SocketRequest {
    readonly entry: { readonly apiName: string };
    /** Milliseconds. */
    readonly requestTimeout: number;
    send(): void;
    timeoutRequest(): void;
  }
  export default SocketRequest;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  import type SocketRequest from 'kafkajs/src/network/requestQueue/socketRequest.js';

  export interface RequestQueueOptions {
    readonly maxInFlightRequests: number | null;
    readonly requestTimeout: number;
    readonly enforceRequestTimeout: boolean;
    readonly clientId: string;
    readonly broker: string;
    readonly logger: object;
    readonly isConnected: () => boolean;
  }
  export interface PushedRequest {
    readonly entry: {
      readonly correlationId: number;
      readonly apiName: string;
      resolve(answer: unknown): void;
      reject(error: unknown): void;
    };
    readonly expectResponse: boolean;
    sendRequest(): void;
  }
  class RequestQueue {
    constructor(options: RequestQueueOptions);
    push(request: PushedRequest): void;
    readonly pending: readonly unknown[];
    /** Sent and not answered, by correlation id. */
    readonly inflight: ReadonlyMap<number, SocketRequest>;
    readonly maxInFlightRequests: number | null;
    readonly enforceRequestTimeout: boolean;
    /** Milliseconds. */
    readonly requestTimeout: number;
    readonly isConnected: () => boolean;
    requestTimeoutIntervalId: NodeJS.Timeout | undefined;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    throttledUntil: number;
    scheduleRequestTimeoutCheck(): void;
    maybeThrottle(milliseconds: number | null): void;
    canSendSocketRequestImmediately(): boolean;
    checkPendingRequests(): void;
    fulfillRequest(answer: { correlationId: number; size: number; payload: Buffer }): void;
    scheduleCheckPendingRequests(): void;
    /** Ends its timers. */
    destroy(): void;
  }
  export default RequestQueue;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';
  import type RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

  class Connection {
    socket?: Socket;
    connectionStatus: string;
    authHandlers: { onError(): void } | null;
    readonly requestQueue: RequestQueue;
    /** Milliseconds for which the broker takes the last authentication; 0 for ever. */
    readonly sessionLifetime: { toString(): string };
    readonly host: string;
    readonly port: number;
    /** What was received of an answer. */
    chunks: Buffer[];
    bytesBuffered: number;
    /** Length of the answer and of what is in front of it; 4 while that is not known. */
    bytesNeeded: number;
    processData(data: Buffer): void;
    rejectRequests(error: Error): void;
  }
  export default Connection;
}

declare module 'kafkajs/src/network/connectionPool.js' {
  import type { ISocketFactory } from 'kafkajs';
  import type Connection from 'kafkajs/src/network/connection.js';
  export interface ConnectionPoolOptions {
    readonly host: string;
    readonly port: number;
    readonly ssl: object | null;
    readonly sasl: object | null;
    readonly clientId: string;
    readonly socketFactory: ISocketFactory;
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly logger: object;
  }
  export interface ProtocolRequest {
    readonly request: {
      readonly apiKey: number;
      readonly apiName: string;
      readonly apiVersion: number;
      /** An Encoder; two views of the same bytes are all that is used of it. */
      encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
    };
    readonly response: { decode(payload: Buffer): unknown; parse(decoded: unknown): unknown };
    readonly requestTimeout?: number;
    readonly logResponseError?: boolean;
  }
  class ConnectionPool {
    constructor(options: ConnectionPoolOptions);
    readonly pool: readonly Connection[];
    send(request: ProtocolRequest): Promise<unknown>;
  }
  export default ConnectionPool;
}

declare module 'kafkajs/src/broker/index.js' {
  import type ConnectionPool from 'kafkajs/src/network/connectionPool.js';
  import type { ProtocolRequest } from 'kafkajs/src/network/connectionPool.js';

  class Broker {
    constructor(options: { connectionPool: ConnectionPool; logger: object; nodeId?: number });
    readonly connectionPool: ConnectionPool;
    /** By API key; null before it is connected. */
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null;
    connect(): Promise<void>;
    isConnected(): boolean;
    apiVersions(): Promise<unknown>;
    lookupRequest(apiKey: number, definition: unknown): (payload: unknown) => ProtocolRequest;
  }
  export default Broker;
}

declare module 'kafkajs/src/protocol/requests/index.js' {
  const protocol: { readonly requests: Readonly<Record<string, unknown>> };
  export default protocol;
}

declare module 'kafkajs/src/protocol/requests/apiKeys.js' {
  const apiKeys: Readonly<Record<string, number>>;
  export default apiKeys;
}

declare module 'kafkajs/src/protocol/error.js' {
  const errors: { createErrorFromCode(code: number): Error & { readonly type: string; readonly code: number } };
  export default errors;
}

declare module 'kafkajs/src/loggers/index.js' {
  const loggers: {
    readonly LEVELS: Readonly<Record<'NOTHING' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG', number>>;
    createLogger(options: { level: number; logCreator: () => (entry: LogEntry) => void }): object;
  };
  interface LogEntry {
    readonly namespace: string | null;
    readonly level: number;
    readonly log: { readonly message: string; readonly [fact: string]: unknown };
  }
  export default loggers;
}
