// Command roster runs a Roster daemon and talks to it.
//
//	roster up                      run a daemon
//	roster call CAPABILITY [JSON]  call a capability
//	roster ls WHAT                 list capabilities, plugins, instances or registries
//	roster plugin VERB             check, inspect or reload a plugin
//	roster new plugin NAME         write a plugin in Go, Python or JavaScript
//
// See roster help, and exit.go for the exit codes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
