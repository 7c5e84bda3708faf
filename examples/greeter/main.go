// The command greeter is a Roster plugin with a config that has a secret and changes
// while it serves: greet.hello returns {"text": "Hello, world"}.
package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/roster-go/roster/factory"
	"github.com/roster-go/roster/plugin/sdk"
)

type config struct {
	Greeting string         `json:"greeting" doc:"how to begin"`
	Token    factory.Secret `json:"token" doc:"for the address book"`
}

type input struct {
	Name string `json:"name"`
}

type output struct {
	Text string `json:"text"`
}

func main() {
	var current atomic.Pointer[config]
	sdk.Serve(sdk.Plugin{Name: "greeter", Version: "1.0.0"},
		sdk.Config(config{Greeting: "Hello"}, func(_ context.Context, c config) error {
			slog.Info("configured", "greeting", c.Greeting, "token", c.Token)
			current.Store(&c)
			return nil
		}),
		sdk.Func("greet.hello", func(_ context.Context, in input) (output, error) {
			return output{current.Load().Greeting + ", " + in.Name}, nil
		}, sdk.Idempotent))
}
