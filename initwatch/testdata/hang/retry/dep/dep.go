// Package dep tries until it succeeds, which it does not.
package dep

import (
	"errors"
	"time"
)

func init() {
	for connect() != nil {
		pause() // init.0: sleep
	}
}

func connect() error { return errors.New("refused") }

func pause() {
	time.Sleep(50 * time.Millisecond) // waits
}
