# The image of a release: the binary that was built and is in the archives, on a base that holds certificates, a user
# without rights and nothing to run. deploy/Dockerfile builds the program itself.
FROM gcr.io/distroless/static-debian12:nonroot
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/windrow /windrow
USER nonroot
ENTRYPOINT ["/windrow"]
CMD ["sync"]
