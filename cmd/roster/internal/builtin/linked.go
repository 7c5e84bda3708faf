// Package builtin is what the daemon serves with no plugins installed: one
// capability that is linked into the binary, and one that the binary serves as
// a plugin of itself, so that both ways can be tried and compared at once.
package builtin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/plugin/sdk"
)

// Linked holds the capabilities that are part of the binary. Packages that a
// build adds register theirs from an init function.
var Linked = roster.New[plugin.Function](roster.Named("linked"))

func init() { //nolint:gochecknoinits // registering is what init is for
	Linked.Register("process.describe", describeProcess)
}

// process says who answered. Its pid tells a linked-in capability from one of a
// plugin, which has another process.
type process struct {
	Host string `json:"host"`
	PID  int    `json:"pid"`
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
}

func describeProcess(_ context.Context, input json.RawMessage) (json.RawMessage, error) {
	if len(input) > 0 && string(input) != "null" {
		if err := sdk.Decode(input, &struct{}{}); err != nil {
			return nil, err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("the host's name: %w", err)
	}
	output, err := json.Marshal(process{
		Host: host, PID: os.Getpid(), Go: runtime.Version(),
		OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
	})
	if err != nil {
		return nil, fmt.Errorf("the description as JSON: %w", err)
	}
	return output, nil
}
