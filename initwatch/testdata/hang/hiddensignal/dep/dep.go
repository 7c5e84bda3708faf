// Package dep waits, and no detector says so since signals may come.
package dep

import (
	"os"
	"os/signal"
)

var done = make(chan int)

func init() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	wait() // init.0: channel
}

func wait() {
	done <- 1 // waits
}
