/** All of them in one piece; the only one as it is, without a copy. */
export function joined(buffers: readonly Buffer[]): Buffer {
  const [first] = buffers;
  return first !== undefined && buffers.length === 1 ? first : Buffer.concat(buffers);
}
