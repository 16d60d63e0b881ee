# The controller's image: the npm package (`npm run package` makes dist/package/), git and ssh, and nobody's root. What is built twice
# from the same package and the same base is the same to the byte (buildah build --timestamp 0).
# The base is named by digest; another one with Node 24 can be given: --build-arg BASE=…
ARG BASE=docker.io/library/node:24.20.0-bookworm-slim@sha256:ba849c60be29959425b8734d57b8b4b7d56f98edd9504c9af091d5281095a71e
FROM ${BASE}

# A base that has all of them already is left as it is. Logs and caches would tell the time of the build.
RUN if ! { command -v git && command -v ssh && command -v gpg && [ -s /etc/ssl/certs/ca-certificates.crt ]; } >/dev/null; then \
      apt-get update && \
      DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates git gpg openssh-client && \
      rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/aux-cache \
        /var/log/apt /var/log/*.log; \
    fi

COPY dist/package /opt/ringward
# ssh does not work for a user without a name.
RUN ln -s /opt/ringward/controller/launch.cjs /usr/local/bin/ringward && \
    echo "ringward:x:65532:" >>/etc/group && \
    echo "ringward:x:65532:65532:Ringward:/tmp:/usr/sbin/nologin" >>/etc/passwd

# The chart's pod says the same user. Git and ssh want a home that can be written: the chart mounts /tmp.
USER 65532:65532
ENV HOME=/tmp NODE_ENV=production
WORKDIR /tmp
ENTRYPOINT ["ringward"]
CMD ["controller"]
LABEL org.opencontainers.image.title="ringward" \
      org.opencontainers.image.description="A GitOps patch policy controller for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
