package main

import (
	"context"
	"encoding/json"
	"os"
	"os/signal"
	"syscall"

	"github.com/roster-go/roster/plugin/internal/handshake"
	"github.com/roster-go/roster/plugin/sdk"
)

// bad is a plugin that breaks one rule, which the mode names.
func bad(mode string) {
	var options []sdk.Option
	switch mode {
	case "crash-on-null":
		options = append(options, sdk.Func("bad.crash", func(_ context.Context, in *struct{}) (string, error) {
			if in == nil {
				os.Exit(3) //nolint:forbidigo // it is how it is bad
			}
			return "fine", nil
		}))
	case "deaf":
		if err := os.Unsetenv(handshake.Lifeline); err != nil {
			panic(err)
		}
	case "stubborn":
		options = append(options, sdk.OnInit(func(context.Context, json.RawMessage) error {
			if err := os.Unsetenv(handshake.Lifeline); err != nil {
				return err
			}
			signal.Ignore(syscall.SIGTERM)
			return nil
		}))
		if err := os.Unsetenv(handshake.Lifeline); err != nil {
			panic(err)
		}
	case "rough":
		options = append(options, sdk.OnShutdown(func(context.Context) error {
			os.Exit(4) //nolint:forbidigo // it is how it is bad
			return nil
		}))
	}
	sdk.Serve(sdk.Plugin{Name: "bad", Version: "1.0.0"}, append(options,
		sdk.Func("bad.fine", func(context.Context, struct{}) (string, error) { return "fine", nil }))...)
}
