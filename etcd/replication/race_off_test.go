//go:build !race

package replication_test

import "time"

const (
	heartbeat = 100 * time.Millisecond
	digests   = time.Second
	lateKeys  = 10_000
)
