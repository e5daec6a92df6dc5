/** As durable as in production (fsync stays on); only the sizes are for one developer. */
export const postgresSettings: Record<string, string> = {
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  fsync: 'on',
}
