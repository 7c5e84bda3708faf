package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/roster-go/roster/factory"
	"github.com/roster-go/roster/plugin/sdk"
)

// A typedConfig has a schema, and changes while the plugin serves.
type typedConfig struct {
	Greeting string         `json:"greeting" doc:"how to begin"`
	Token    factory.Secret `json:"token"`
	Servers  []server       `json:"servers"`
	Limit    uint8          `json:"limit"`
}

type server struct {
	Host     string         `json:"host" config:"required"`
	Password factory.Secret `json:"password"`
}

// typed is the plugin that shows the config it has.
func typed() {
	var current atomic.Pointer[typedConfig]
	var applied atomic.Int32
	sdk.Serve(sdk.Plugin{Name: "typed", Version: "1.0.0"},
		sdk.Config(typedConfig{Greeting: "Hello"}, func(_ context.Context, c typedConfig) error {
			if c.Greeting == "rude" {
				return errors.New("that is no greeting")
			}
			if c.Greeting == "panic" {
				panic("what a greeting")
			}
			current.Store(&c)
			applied.Add(1)
			return nil
		}),
		sdk.Func("typed.config", func(context.Context, struct{}) (map[string]string, error) {
			c := current.Load()
			out := map[string]string{
				"greeting": c.Greeting, "token": c.Token.Reveal(), "pid": strconv.Itoa(os.Getpid()),
				"applied": strconv.Itoa(int(applied.Load())),
			}
			for i, s := range c.Servers {
				out["server"+strconv.Itoa(i)] = s.Host + " " + s.Password.Reveal()
			}
			return out, nil
		}),
		sdk.Func("typed.once", func(_ context.Context, in who) (string, error) { return die(in.Name) }, sdk.Idempotent),
		sdk.Func("typed.careless", func(_ context.Context, in who) (string, error) { return die(in.Name) }),
	)
}

// die ends the process unless a file is there, which it leaves for the next one.
func die(marker string) (string, error) {
	if _, err := os.Stat(marker); err == nil {
		return "lived", nil
	}
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		return "", err
	}
	os.Exit(5) //nolint:forbidigo // it is how it dies
	return "", nil
}
