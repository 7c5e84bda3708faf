//go:build race

package replication_test

import "time"

// The race detector takes most of the processor.
const (
	heartbeat = 300 * time.Millisecond
	digests   = 3 * time.Second
	lateKeys  = 2_000
)
