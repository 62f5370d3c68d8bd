/** A gateway at one moment; plain data, ready for JSON. States are those of docs/reference/machines.md. */
export interface GatewaySnapshot {
  readonly version: string;
  readonly state: string;
  /** Whether clients are welcome. */
  readonly ready: boolean;
  /** Why they are not, for people. */
  readonly reasons: readonly string[];
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
  /** Who is in the rooms, on all gateways. */
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
