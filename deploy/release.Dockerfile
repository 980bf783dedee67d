# The image of a release: the binary that was built and is in the archives, on a base that holds certificates, a user
# without rights and nothing to run. deploy/Dockerfile builds the program itself.
FROM gcr.io/distroless/static-debian12:nonroot@sha256:afa5c872c891853ca7fcf1f12c3edb23f7eeef36189728842dd51042ff57f7ab
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/windrow /windrow
USER nonroot
ENTRYPOINT ["/windrow"]
CMD ["sync"]
