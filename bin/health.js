// The health check of the image (Dockerfile): is the member in this container live? A command, or a member without HTTP, is not asked.
const { HTTP_PORT, HTTP_HOST = '' } = process.env
const everywhere = ['', '0.0.0.0', '::']
const host = everywhere.includes(HTTP_HOST) ? '127.0.0.1' : HTTP_HOST.includes(':') ? `[${HTTP_HOST}]` : HTTP_HOST
const live =
  !HTTP_PORT ||
  (await fetch(`http://${host}:${HTTP_PORT}/health`).then(
    ({ ok }) => ok,
    () => false,
  ))
process.exit(live ? 0 : 1)
