import { defineConfig } from 'prisma/config'

// Used by the stock Prisma CLI only (`npx prisma generate`, `npx prisma migrate deploy`); sluice itself reads src/config.ts.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env['DATABASE_URL'] ?? '' },
})
