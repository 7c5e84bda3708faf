package pick

import (
	"math"
	"time"
)

// epoch is what the package's points in time, in nanoseconds, count from. The difference
// to a fixed time needs the monotonic clock only, which costs less than time.Now. The epoch is
// half a century ago so that a point in time is positive even where the clock stands at
// the year 2000, which is in the bubbles of testing/synctest.
var epoch = time.Now().Add(-50 * 365 * 24 * time.Hour)

// never is a point in time that does not come.
const never = math.MaxInt64

func elapsed() int64 { return int64(time.Since(epoch)) }
