# Built in one stage, run in another: the image holds dist/, the runtime dependencies and the migrations, nothing else.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json prisma.config.ts ./
COPY scripts scripts
COPY prisma prisma
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/prisma prisma
COPY bin bin
USER 1000:1000
# Node is process 1 here and handles SIGTERM itself (drain); `docker run --init` also reaps.
ENTRYPOINT ["node", "--max-semi-space-size=64", "bin/sluice.js"]
CMD ["consume"]
