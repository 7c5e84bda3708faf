package replica

import (
	"slices"
	"time"
)

// kept is how many revisions a [Lag] and a [Freshness] remember of one region before they begin to
// summarise them.
const kept = 1024

// A mark is a revision, and a time that is not after the one it stands for.
type mark struct {
	revision uint64
	at       time.Duration
}

// marks are ascending in both.
type marks []mark

// add appends a mark. If there are too many, neighbours become one with the higher revision and
// the earlier time: what is made of them can be too old, never too young.
func (m marks) add(next mark) marks {
	if len(m) > 0 && next.revision <= m[len(m)-1].revision {
		return m
	}
	if len(m) >= kept {
		half := m[:0]
		for n := 0; n < len(m); n += 2 {
			last := m[min(n+1, len(m)-1)]
			half = append(half, mark{revision: last.revision, at: m[n].at})
		}
		m = half
	}
	return append(m, next)
}

// upTo returns how many of the marks have at most the revision.
func (m marks) upTo(revision uint64) int {
	n, _ := slices.BinarySearchFunc(m, revision, func(m mark, revision uint64) int {
		if m.revision <= revision {
			return -1
		}
		return 1
	})
	return n
}

// A Lag is how far one destination is behind, as its source measures it on the source's own
// monotonic clock; the destination's clock does not matter. The zero Lag is ready to use. It is
// not safe for concurrent use.
//
// Revisions only have to grow: counts of dots will do, and so will the revisions of a store.
type Lag struct {
	waiting marks // written and not acknowledged
	acked   uint64
}

// Wrote notes that the source had written up to revision at now. Note every write, or the head
// now and then: the lag is exact to the distance of the notes, and never too small if the head
// is noted before it is sent.
func (l *Lag) Wrote(revision uint64, now time.Duration) {
	if revision > l.acked {
		l.waiting = l.waiting.add(mark{revision, now})
	}
}

// Acked notes that the destination said it has applied everything up to revision. What it said
// before and comes late changes nothing.
func (l *Lag) Acked(revision uint64) {
	if revision <= l.acked {
		return
	}
	l.acked = revision
	l.waiting = slices.Delete(l.waiting, 0, l.waiting.upTo(revision))
}

// Lag returns for how long the oldest write has waited that is not acknowledged, and zero if all
// are. It grows while the link is dead.
func (l *Lag) Lag(now time.Duration) time.Duration {
	if len(l.waiting) == 0 {
		return 0
	}
	return max(0, now-l.waiting[0].at)
}

// Behind returns the highest revision that was acknowledged, and the highest that was written.
func (l *Lag) Behind() (acked, wrote uint64) {
	if len(l.waiting) == 0 {
		return l.acked, l.acked
	}
	return l.acked, l.waiting[len(l.waiting)-1].revision
}
