package drill

import (
	"context"
	"sync"
	"time"
)

// A phase is a part of a drill.
type phase int

const (
	before phase = iota
	during       // from the order until all have converged
	after
)

type pair struct{ from, to string }

// A lagLog keeps how far each region was behind each other one.
type lagLog struct {
	mu    sync.Mutex // guards what is below
	phase phase
	pairs map[pair]*LagReport
}

func newLagLog() *lagLog { return &lagLog{pairs: make(map[pair]*LagReport)} }

func (l *lagLog) enter(p phase) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase = p
}

// watch asks a region until stop is closed. What it does not answer is not known.
func (l *lagLog) watch(ctx context.Context, region Region, options *Options, stop <-chan struct{}) {
	ticks := time.NewTicker(options.Interval)
	defer ticks.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, options.Timeout)
		standing, err := region.Standing(asking)
		cancel()
		if err == nil {
			l.take(region.Name(), standing)
		}
		select {
		case <-ticks.C:
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

// take notes what a region says about the regions that it replicates to: the worst before and
// during, and the latest after.
func (l *lagLog) take(from string, standing Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range standing.Peers {
		r := l.pairs[pair{from, p.Region}]
		if r == nil {
			r = &LagReport{From: from, To: p.Region}
			l.pairs[pair{from, p.Region}] = r
		}
		switch l.phase {
		case before:
			r.BeforeMillis = max(r.BeforeMillis, p.LagMillis)
		case during:
			r.WorstMillis, r.PendingMost = max(r.WorstMillis, p.LagMillis), max(r.PendingMost, p.Pending)
		case after:
			r.AfterMillis = p.LagMillis
		}
	}
}
