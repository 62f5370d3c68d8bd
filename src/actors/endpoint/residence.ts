/** The life of this gateway among those that share the members of a room, or which clients are in channels. */
export interface Residence {
  /** Begins to follow the others, once the topics exist. */
  start(): void;
  /** Says goodbye to the other gateways, after the last member has left; resolves when the log has it. */
  resign(): Promise<void>;
  close(): Promise<void>;
}
