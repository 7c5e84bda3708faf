module github.com/roster-go/roster/internal/e2e

go 1.26.0

require (
	github.com/goccy/go-yaml v1.19.2
	github.com/roster-go/roster v0.0.0
	github.com/roster-go/roster/plugin v0.0.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/yuin/goldmark v1.8.7
	google.golang.org/grpc v1.85.0
)

require (
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/roster-go/roster => ../../
	github.com/roster-go/roster/plugin => ../../plugin
)
