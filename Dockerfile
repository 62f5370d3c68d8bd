# syntax=docker/dockerfile:1

FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:20-bookworm-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
# The embedded log is never chosen by accident in an image: it would keep acked records on a pod's own disk.
ENV NODE_ENV=production KAFKA_DRIVER=kafkajs DATA_DIR=/data
WORKDIR /app
# A plugin that is mounted anywhere finds tidegate/sdk by the link.
RUN install -d -o node -g node /data && mkdir /node_modules && ln -s /app /node_modules/tidegate
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY src/web ./src/web
COPY package.json LICENSE ./
COPY bin ./bin
COPY config ./config
USER node
EXPOSE 8080 8088 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT || 8080}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# docker run tidegate [CONFIG]
ENTRYPOINT ["node", "/app/bin/tidegate", "run"]
CMD ["/app/config/gateway.yaml"]
