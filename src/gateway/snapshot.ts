/*
 * What a program sees of its gateway. These types are public, so they are kept apart from the code that fills them in: that
 * one imports the types of state machines.
 */

/** A gateway at one moment; plain data, ready for JSON. States are those of docs/reference/machines.md. */
export interface GatewaySnapshot {
  readonly version: string;
  readonly state: string;
  /** Whether clients are accepted. */
  readonly ready: boolean;
  /** Why they are not, as text for the operator. */
  readonly reasons: readonly string[];
  readonly config: {
    /** 1 at the start, and one more with each reload that changed something. */
    readonly generation: number;
    /** Files that it was read from; empty where it came from the program. */
    readonly files: readonly string[];
  };
  readonly log: {
    /** `kafkajs` or `embedded`. */
    readonly driver: string;
    readonly up: boolean;
  };
  readonly listeners: readonly {
    readonly name: string;
    readonly state: string;
    /** 0 while it has none. */
    readonly port: number;
    /** Whether it is a server of the program's own. */
    readonly attached: boolean;
  }[];
  readonly endpoints: readonly {
    readonly name: string;
    readonly listener: string;
    readonly paths: readonly string[];
    readonly codec: string;
    readonly connections: number;
    /** Channels with subscribers on this gateway, and their subscriptions; only where the endpoint has channels. */
    readonly channels?: number;
    readonly subscriptions?: number;
  }[];
  readonly pipelines: readonly {
    readonly name: string;
    readonly state: string;
    /** Messages between source and sink. */
    readonly inFlight: number;
  }[];
  /** Topics that have been written to. */
  readonly topics: readonly {
    readonly name: string;
    readonly state: string;
    /** Messages that are not in the log yet. */
    readonly pending: number;
  }[];
  readonly groups: readonly GroupSnapshot[];
  /** The members of rooms, on all gateways. */
  readonly rooms: readonly {
    readonly endpoint: string;
    readonly members: readonly string[];
  }[];
}

/** This gateway's member of a consumer group. */
export interface GroupSnapshot {
  readonly group: string;
  readonly topics: readonly string[];
  /** `joining`, `stable`, `rebalancing` or `failed`. */
  readonly state: string;
  /** Clients that share the partitions among themselves; 1 for a pipeline. */
  readonly members: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    /** Records that are still to be delivered, as of the last fetch. */
    readonly lag: number;
  }[];
}

/** Ports that are bound. */
export interface BoundPorts {
  /** 0 where there is none. */
  readonly admin: number;
  /** Of the Kafka Connect API; 0 where there is none. */
  readonly connect: number;
  /** By name of the listener; that of the program's server if it takes the place of one, 0 while it has none. */
  readonly listeners: Readonly<Record<string, number>>;
}

/** How a stop ended. */
export interface StopReport {
  /** Messages that were given up: their senders were asked to send them again, if their sockets still allowed it. */
  readonly unsettled: number;
}
