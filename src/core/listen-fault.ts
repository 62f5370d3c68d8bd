/** Why a port cannot be bound, in words that say what to do about it. */
export function listenFault(error: NodeJS.ErrnoException, port: number): string {
  if (error.code === 'EADDRINUSE') return 'another program uses it';
  // Linux, as long as net.ipv4.ip_unprivileged_port_start is not lowered.
  if (error.code === 'EACCES' && port < 1_024)
    return `only root may bind ports below 1024; have a load balancer or a proxy lead ${port} to a higher one, or allow it by sysctl net.ipv4.ip_unprivileged_port_start=${port}`;
  return error.message;
}
