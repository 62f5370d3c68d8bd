# syntax=docker/dockerfile:1

# Node 24, whatever `engines` allows: Node 20 gets no security fixes any more. Debian 12 in all stages, since native
# modules are built against its C library.
# Its JavaScript is the same for every platform, so it is built on the builder's own.
FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
# What is in the image, as CycloneDX: /app/sbom.cdx.json.
# (npm takes the tools that are left out for missing, so they leave package.json first.)
RUN npm pkg delete devDependencies && npm sbom --sbom-format=cyclonedx >sbom.cdx.json
# The last stage has no shell, so its folders are made here. A plugin that is mounted anywhere finds tidegate/sdk by the link.
RUN mkdir -p /root-of-image/data /root-of-image/node_modules && ln -s /app /root-of-image/node_modules/tidegate

# No shell, no package manager, nothing to update but Node: user 65532.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
ARG VERSION=0.1.0
# Source, revision and time of a release are added by .github/workflows/release.yml.
LABEL org.opencontainers.image.title="Tidegate" \
      org.opencontainers.image.description="A gateway and stream-processing engine between WebSockets and Apache Kafka" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/nodejs24-debian12:nonroot" \
      org.opencontainers.image.version="${VERSION}"
# The embedded log is never chosen by accident in an image: it would keep acked records on a pod's own disk.
ENV NODE_ENV=production KAFKA_DRIVER=kafkajs DATA_DIR=/data PATH=/nodejs/bin:/usr/bin:/bin
WORKDIR /app
COPY --from=dependencies --chown=65532:65532 /root-of-image/data /data
COPY --from=dependencies /root-of-image/node_modules /node_modules
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=dependencies /build/sbom.cdx.json ./
COPY --from=build /build/dist ./dist
COPY src/web ./src/web
COPY package.json LICENSE ./
COPY bin ./bin
COPY config ./config
USER 65532:65532
EXPOSE 8080 8088 9090
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT || 8080}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# docker run tidegate [CONFIG]
ENTRYPOINT ["node", "/app/bin/tidegate", "run"]
CMD ["/app/config/gateway.yaml"]
