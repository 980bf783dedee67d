# `make check` is what CI runs; the other targets are its parts.
.PHONY: check build test race slow lint fuzz fmt demo

check:
	.ci/run

build:
	go build ./...

test:
	go test ./...

race:
	go test -race -timeout 20m ./...

# Fault sweeps and processes killed many times: what takes longer than a minute or two.
slow:
	go test -tags slow -timeout 30m ./...

lint:
	.ci/run lint

fuzz:
	.ci/run fuzz

fmt:
	gofmt -w cmd connectors pipeline sinks transforms

demo:
	go run ./cmd/windrow demo
