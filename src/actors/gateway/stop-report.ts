/** How a stop ended. */
export interface StopReport {
  /** Messages that were given up: their senders were told to send them again, or the socket had no way to tell them. */
  readonly unsettled: number;
}
