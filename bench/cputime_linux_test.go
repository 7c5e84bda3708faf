package bench_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is how long the calling thread has been running, which other programs on a busy
// machine do not add to; processTime is that of all threads together.
func cpuTime() time.Duration     { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }
func processTime() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
