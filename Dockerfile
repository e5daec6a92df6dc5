# Built in one stage, run in another: the image holds dist/, the packages that run it and the migrations, nothing else.
# The newest Node 24 with its fixes at each build, on purpose: it is rebuilt, and nothing is kept in it. Images that keep data or are not ours are
# pinned to a release (docker-compose.yml). For builds that are the same each time pin both FROM lines to a digest (docker buildx imagetools
# inspect node:24-bookworm-slim): it could not be looked up here.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json prisma.config.ts ./
COPY scripts scripts
COPY prisma prisma
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
# `npm prune --omit=dev` alone would keep Prisma's command line with react, mysql2 and a database in WebAssembly: it is an
# optional peer of @prisma/client, and 111 packages more than the 153 that are needed.
RUN npm run build \
  && npm uninstall --ignore-scripts prisma typescript \
  && npm prune --omit=dev --ignore-scripts \
  && rm -rf node_modules/typescript

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# All of it belongs to root and is written by nobody: the root file system may be read-only, and nothing is written to /tmp.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/prisma prisma
COPY bin bin
USER 1000:1000
# For every container of this image, so docker-compose.yml has none of its own. Kubernetes has its probes instead.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["node", "bin/health.js"]
# Node is process 1 here and handles SIGTERM itself (drain); `docker run --init` also reaps. No shell is needed.
ENTRYPOINT ["node", "--max-semi-space-size=64", "bin/sluice.js"]
CMD ["consume"]
