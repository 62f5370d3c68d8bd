import { formatSize } from '../core/units.ts';
import type { GatewayConfig } from './schema.ts';

/** A socket's read chunk in Node: what a closed gate may have read already. */
const READ_CHUNK = 64 * 1_024;

export interface Ceiling {
  /** Bytes. */
  readonly total: number;
  readonly pipelines: number;
  readonly connections: number;
  readonly limit: number;
}

/** The most memory that messages can take, as it follows from the configuration. */
export function memoryCeiling(config: GatewayConfig): Ceiling {
  const pipelines = sum(Object.values(config.pipelines).map(({ in_flight }) => in_flight.bytes));
  const connections = sum(Object.values(config.endpoints).map(({ max_connections }) => max_connections * READ_CHUNK));
  const { limit } = config.memory;
  return { total: pipelines + connections + limit, pipelines, connections, limit };
}

/** `ceiling 1.3 GiB: pipelines ... + connections ... + memory.limit ...`. */
export function describeCeiling(ceiling: Ceiling): string {
  const { total, pipelines, connections, limit } = ceiling;
  return `ceiling ${rounded(total)}: pipelines ${rounded(pipelines)} + connections ${rounded(connections)} + memory.limit ${rounded(limit)}`;
}

function rounded(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = '';
  while (value >= 1_024 && units.length > 0) {
    value /= 1_024;
    unit = units.shift() ?? unit;
  }
  return unit === '' ? formatSize(bytes) : `${Number(value.toFixed(1))} ${unit}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
