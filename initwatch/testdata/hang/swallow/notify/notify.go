// Package notify takes SIGQUIT away from the runtime.
package notify

import (
	"os"
	"os/signal"
	"syscall"
)

func init() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGQUIT)
}
