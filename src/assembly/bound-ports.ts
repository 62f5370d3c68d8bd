/** Ports that are bound. */
export interface BoundPorts {
  /** 0 where there is none. */
  readonly admin: number;
  /** Of the Kafka Connect API; 0 where there is none. */
  readonly connect: number;
  /** By name of the listener; that of the program's own server where it stands for one, 0 while it has none. */
  readonly listeners: Readonly<Record<string, number>>;
}
