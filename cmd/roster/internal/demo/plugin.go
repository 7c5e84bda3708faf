package demo

import (
	"context"
	"os"

	"github.com/roster-go/roster/plugin/sdk"
)

// PluginCommand is the hidden command that serves the plugin of the demonstration. Its argument
// is the version that it claims to be.
const PluginCommand = "serve-demo-plugin"

const (
	pluginName = "greeting"
	capability = "demo.greet"
)

type greeting struct {
	Text    string `json:"text"`
	Version string `json:"version"`
	PID     int    `json:"pid"`
}

// ServePlugin runs the plugin until its host ends it.
func ServePlugin(ctx context.Context, version string) error {
	return sdk.Run(ctx, sdk.Plugin{Name: pluginName, Version: version},
		sdk.Func(capability, func(_ context.Context, in struct {
			Name string `json:"name"`
		},
		) (greeting, error) {
			return greeting{Text: "hello, " + in.Name, Version: version, PID: os.Getpid()}, nil
		}))
}
