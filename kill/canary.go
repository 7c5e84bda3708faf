package kill

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// canaryPatience is how long a canary may take; it is less than the interval allows.
	canaryPatience = 10 * time.Second
	// canaryKept is how many latencies the 99th percentile is of.
	canaryKept = 128
)

// CanaryStatus tells whether the way of a kill works: from this hub to every hub and every runtime
// that is connected to one, onto their disks, and back.
type CanaryStatus struct {
	// Sent is how many canaries were sent since the hub started, and Failed how many of them a
	// hub or a connected runtime did not acknowledge in time.
	Sent   uint64 `json:"sent"`
	Failed uint64 `json:"failed"`
	// At is when the latest canary that everybody acknowledged was sent, and Age how long ago that
	// was; since the start of the hub if there was none.
	At  time.Time     `json:"at"`
	Age time.Duration `json:"age"`
	// Latency is that of the latest canary, until the last acknowledgement that came, and P99 the
	// 99th percentile of the latest 128.
	Latency time.Duration `json:"latency"`
	P99     time.Duration `json:"p99"`
	// Acked, Missing and Away are the runtimes of the latest canary: those that acknowledged,
	// those that were connected and did not, and those that are unreachable or expired.
	Acked   int `json:"acked"`
	Missing int `json:"missing"`
	Away    int `json:"away"`
	// Hubs are the regions whose hub did not acknowledge the latest canary.
	Hubs []string `json:"hubs,omitempty"`
}

// canaryLog has what came of the canaries.
type canaryLog struct {
	mu        sync.Mutex // guards the fields below
	start     time.Time
	status    CanaryStatus
	latencies []time.Duration // the latest ones
	next      int
}

// sing sends a canary now and then until ctx ends.
func (h *Hub) sing(ctx context.Context) {
	interval := h.options.Canary
	h.canary.mu.Lock()
	h.canary.start = time.Now()
	h.canary.mu.Unlock()
	for pause(ctx, interval*9/10+rand.N(interval/5+1)) {
		h.Sing(ctx)
	}
}

// Sing sends a canary kill now and returns how canaries fare. It takes at most ten seconds.
func (h *Hub) Sing(ctx context.Context) CanaryStatus {
	ctx, cancel := context.WithTimeout(ctx, min(canaryPatience, max(h.options.Canary, time.Second)))
	defer cancel()
	order, err := h.issue(Request{Target: Target{Kind: KindCanary, Name: h.options.Region}, Reason: "canary"})
	if err != nil {
		h.log.Error("kill: no canary", "error", err)
		return h.canary.report()
	}
	// The spread goes on until runtimes that are away come back; the canary has seen enough when
	// all that are connected have acknowledged.
	report, _ := h.spreadUntil(ctx, order, Report{Order: order}, func(Progress) {}, (*spread).canaryDone)
	h.canary.add(report)
	return h.canary.report()
}

// canaryDone reports whether all hubs and all connected runtimes have acknowledged.
func (s *spread) canaryDone() bool {
	if s.waitingHubs() > 0 {
		return false
	}
	for id := range s.waiting {
		if _, r := s.effective(id); r.State == Pending {
			return false
		}
	}
	return true
}

// add notes the report of a canary.
func (c *canaryLog) add(report Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.status
	s.Sent++
	s.Latency = report.Took
	s.Acked, s.Missing = report.Count(Acked), report.Count(Pending)
	s.Away = report.Count(Unreachable) + report.Count(Expired)
	s.Hubs = nil
	for i := range report.Regions {
		if report.Regions[i].State != Acked {
			s.Hubs = append(s.Hubs, report.Regions[i].Region)
		}
	}
	if s.Missing > 0 || len(s.Hubs) > 0 {
		s.Failed++
	} else {
		s.At = report.Order.At
	}
	if len(c.latencies) < canaryKept {
		c.latencies = append(c.latencies, s.Latency)
	} else {
		c.latencies[c.next] = s.Latency
		c.next = (c.next + 1) % canaryKept
	}
	sorted := slices.Sorted(slices.Values(c.latencies))
	s.P99 = sorted[(len(sorted)*99+99)/100-1]
}

func (c *canaryLog) report() CanaryStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	since := s.At
	if since.IsZero() {
		since = c.start
	}
	if !since.IsZero() {
		s.Age = time.Since(since)
	}
	s.Hubs = slices.Clone(s.Hubs)
	return s
}
