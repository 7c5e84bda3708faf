//go:build !linux

package bench_test

import "time"

var started = time.Now()

// cpuTime and processTime are the time on the clock, where that of a thread is not to be had: trust
// them on an idle machine only.
func cpuTime() time.Duration     { return time.Since(started) }
func processTime() time.Duration { return time.Since(started) }
