#!/bin/sh
# Regenerates imagev1/ from the .proto file beside this script. Needs protoc; the
# Go plugins of protoc are pinned as tools of the module plugin.
set -eu
cd "$(dirname "$0")/.."

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
(cd ../../plugin &&
  go build -o "$bin/protoc-gen-go" google.golang.org/protobuf/cmd/protoc-gen-go &&
  go build -o "$bin/protoc-gen-go-grpc" google.golang.org/grpc/cmd/protoc-gen-go-grpc)

rm -rf imagev1
PATH="$bin:$PATH" protoc -I proto \
  --go_out=. --go_opt=module=github.com/roster-go/roster/examples/thumbnail \
  --go-grpc_out=. --go-grpc_opt=module=github.com/roster-go/roster/examples/thumbnail \
  proto/roster/examples/image/v1/thumbnail.proto
