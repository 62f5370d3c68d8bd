import { LATENCY_SECONDS, type MetricEntries } from './entry.ts';

/** Endpoints and their connections. */
export const ENDPOINT_METRICS = {
  tidegate_connections: { kind: 'gauge', help: 'Live WebSocket connections.', labels: ['endpoint'] },
  tidegate_connections_opened_total: {
    kind: 'counter',
    help: 'Handshakes that became a connection.',
    labels: ['endpoint'],
  },
  tidegate_connections_closed_total: {
    kind: 'counter',
    help: 'Connections that ended, by close code; codes that clients made up are counted as 3xxx and 4xxx.',
    labels: ['endpoint', 'code'],
  },
  tidegate_connections_refused_total: {
    kind: 'counter',
    help: 'Handshakes and requests that were answered with an error, by its code; waiting: connections without a handshake that gave way to newer ones; pipelined: connections that sent a request before the answer to the one before had left. The endpoint is - where none was found.',
    labels: ['endpoint', 'reason'],
  },
  tidegate_clients_limited_total: {
    kind: 'counter',
    help: 'Clients that were over a limit of their endpoint: messages, bytes, identity_messages and identity_bytes are slowed (counted each time) or closed, as limits.when_over says; slow_consumer, stall_timeout, frame_timeout, ping_timeout and memory are closed.',
    labels: ['endpoint', 'reason'],
  },
  tidegate_handshake_seconds: {
    kind: 'histogram',
    help: 'Time from the request of a handshake to its answer, by result: accepted or refused, for whose reasons there is tidegate_connections_refused_total. The endpoint is - where none was found.',
    labels: ['endpoint', 'result'],
    buckets: LATENCY_SECONDS,
  },
  tidegate_frames_received_total: { kind: 'counter', help: 'Data frames read from clients.', labels: ['endpoint'] },
  tidegate_bytes_received_total: { kind: 'counter', help: 'Payload bytes read from clients.', labels: ['endpoint'] },
  tidegate_frames_sent_total: { kind: 'counter', help: 'Data frames written to clients.', labels: ['endpoint'] },
  tidegate_bytes_sent_total: { kind: 'counter', help: 'Payload bytes written to clients.', labels: ['endpoint'] },
  tidegate_frames_dropped_total: {
    kind: 'counter',
    help: 'Frames a client did not get: it was too slow, or went away (closed), or a newer record of the same key took the place of one that waited (superseded).',
    labels: ['endpoint', 'reason'],
  },
  tidegate_frames_rejected_total: {
    kind: 'counter',
    help: 'Frames from clients that the codec refused: it did not understand or allow them.',
    labels: ['endpoint', 'reason'],
  },
  tidegate_answers_total: {
    kind: 'counter',
    help: 'Answers to messages and requests of clients: ack (the log has it), filtered, dead_letter, error, or retryable. Frames that the codec refused are in tidegate_frames_rejected_total.',
    labels: ['endpoint', 'result'],
  },
  tidegate_token_renewals_total: {
    kind: 'counter',
    help: 'New tokens that clients sent on their open connections: accepted, refused, unchecked (they could not be checked in time), or forbidden, which closed the connection with 4403.',
    labels: ['endpoint', 'result'],
  },
  tidegate_unanswered_total: {
    kind: 'counter',
    help: 'Messages that were read and not settled when their connection or the gateway stopped.',
    labels: ['endpoint'],
  },
  tidegate_delivery_seconds: {
    kind: 'histogram',
    help: "End to end: from a record's timestamp to the moment at which it is given to the sockets of clients, or to the send queues of slow ones. The oldest record of each write counts; one that is older than the endpoint, or the subscription, does not.",
    labels: ['endpoint'],
    buckets: LATENCY_SECONDS,
  },
  tidegate_sockets_paused: { kind: 'gauge', help: 'Sockets that are not read at the moment.', labels: ['endpoint'] },
  tidegate_send_queue_bytes: { kind: 'gauge', help: 'Bytes that wait to be written to clients.', labels: ['endpoint'] },
  tidegate_ping_seconds: {
    kind: 'histogram',
    help: 'Time from a ping to its pong.',
    labels: ['endpoint'],
    buckets: LATENCY_SECONDS,
  },
} as const satisfies MetricEntries;

/** Channels: which records go to which connections of this gateway. */
export const CHANNEL_METRICS = {
  tidegate_channels: {
    kind: 'gauge',
    help: 'Channels with subscribers on this gateway. Those that each connection has for itself do not count.',
    labels: ['endpoint'],
  },
  tidegate_channel_subscriptions: {
    kind: 'gauge',
    help: 'Subscriptions of the connections of this gateway to channels.',
    labels: ['endpoint'],
  },
  tidegate_channel_records_total: {
    kind: 'counter',
    help: 'Records for channels, once for each channel: delivered to its subscribers; no_subscriber on this gateway; missing, as the sink gave no name of a channel; invalid, as what it gave is no such name.',
    labels: ['endpoint', 'result'],
  },
  tidegate_channel_refusals_total: {
    kind: 'counter',
    help: 'Requests of clients about channels that were refused: not_allowed, limit (max_per_connection), invalid (no name of a channel), not_subscribed, unavailable (presence, while the log is away); revoked counts subscriptions that a new token ended.',
    labels: ['endpoint', 'reason'],
  },
  tidegate_channel_history_channels: {
    kind: 'gauge',
    help: 'Channels of which earlier records are kept on this gateway.',
    labels: ['endpoint'],
  },
  tidegate_channel_history_bytes: {
    kind: 'gauge',
    help: 'Memory of earlier records of channels, which channels.history.bytes limits.',
    labels: ['endpoint'],
  },
  tidegate_channel_recoveries_total: {
    kind: 'counter',
    help: 'Subscriptions with a position, by where their client got what it had missed: ring, as it was kept; log, as it was read again; lost, as it got none of it. Reasons of lost: no_position, as it showed none of this channel, or the channel has none; not_kept; epoch, as the topic is another one; future; expired; too_many; too_old; unavailable.',
    labels: ['endpoint', 'result', 'reason'],
  },
  tidegate_channel_recovery_passes_total: {
    kind: 'counter',
    help: 'Readers that were opened to read again what clients of channels have missed; one serves all that wait for it.',
    labels: ['endpoint'],
  },
  tidegate_channel_recovery_records_total: {
    kind: 'counter',
    help: 'Records of topics that were read again for clients of channels, those of other channels included.',
    labels: ['endpoint'],
  },
} as const satisfies MetricEntries;

/** Rooms, and channels with presence: the members on all gateways, as this gateway sees them. */
export const ROOM_METRICS = {
  tidegate_presence_members: {
    kind: 'gauge',
    help: 'Members of the room on all gateways; with channels.presence, subscriptions to channels on all gateways.',
    labels: ['endpoint'],
  },
  tidegate_presence_unlisted: {
    kind: 'gauge',
    help: 'Subscriptions of this gateway that no gateway knows of, as channels.presence.max_known is reached.',
    labels: ['endpoint'],
  },
  tidegate_presence_gateways: {
    kind: 'gauge',
    help: 'Other gateways that live and have or had such members.',
    labels: ['endpoint'],
  },
  tidegate_presence_declared_dead_total: {
    kind: 'counter',
    help: 'Other gateways that this one declared dead, as they were silent for a lease.',
    labels: ['endpoint'],
  },
  tidegate_presence_fenced_total: {
    kind: 'counter',
    help: 'How often the others declared this gateway dead; each time all clients of a room had to come back; those of channels stay connected.',
    labels: ['endpoint'],
  },
  tidegate_presence_late_records_total: {
    kind: 'counter',
    help: 'Messages, direct messages and kicks that were dropped because their gateway had been declared dead before.',
    labels: ['endpoint'],
  },
} as const satisfies MetricEntries;
