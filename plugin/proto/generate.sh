#!/bin/sh
# Regenerates the Go code under gen/ from the .proto files beside this script.
# Needs protoc; the Go plugins of protoc are pinned as tools in go.mod.
set -eu
cd "$(dirname "$0")/.."

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/protoc-gen-go" google.golang.org/protobuf/cmd/protoc-gen-go
go build -o "$bin/protoc-gen-go-grpc" google.golang.org/grpc/cmd/protoc-gen-go-grpc

rm -rf gen
mkdir gen
PATH="$bin:$PATH" protoc -I proto \
  --go_out=gen --go_opt=module=github.com/roster-go/roster/plugin/gen \
  --go-grpc_out=gen --go-grpc_opt=module=github.com/roster-go/roster/plugin/gen \
  proto/roster/plugin/v1/plugin.proto proto/roster/v1/capability.proto
