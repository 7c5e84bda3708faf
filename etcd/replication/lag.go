package replication

import (
	"sort"
	"time"
)

// stamps tell when revisions were seen, on this process's monotonic clock. They are kept in
// order and thinned out as they get old, so that the age of any is known to within a half.
type stamps []stamp

type stamp struct {
	revision int64
	at       time.Time
}

const maxStamps = 4096

// add notes a revision that was seen just now.
func (s *stamps) add(revision int64, at time.Time) {
	if n := len(*s); n > 0 && (*s)[n-1].revision >= revision {
		return
	}
	*s = append(*s, stamp{revision, at})
	if len(*s) <= maxStamps {
		return
	}
	kept := (*s)[:0]
	for i, st := range *s {
		if i >= maxStamps/2 || i%2 == 0 { // of two in the older half the elder, which is the worse
			kept = append(kept, st)
		}
	}
	*s = kept
}

// after returns when the first revision after one was seen, and false if none was.
func (s *stamps) after(revision int64) (time.Time, bool) {
	i := sort.Search(len(*s), func(i int) bool { return (*s)[i].revision > revision })
	if i == len(*s) {
		return time.Time{}, false
	}
	return (*s)[i].at, true
}
