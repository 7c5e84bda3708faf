package drill

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/roster-go/roster/replica"
)

// A sample is one request to a region.
type sample struct {
	began, ended time.Time
	err          error
}

// A prober writes and reads probe records in one region until it is told to stop.
type prober struct {
	region  Region
	id      string
	options *Options

	mu     sync.Mutex // guards what is below
	writes []sample
	reads  []sample
	acked  []string // keys; the value of each is its key
	last   string   // the latest that was acknowledged
}

// probeKey is that of a probe record, which no other region and no other drill writes.
func probeKey(id, region, n string) string {
	return replica.Key(Namespace, id+"."+region+"."+n)
}

// run probes until stop is closed. Requests under way are waited for.
func (p *prober) run(ctx context.Context, stop <-chan struct{}) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		p.every(ctx, stop, func(ctx context.Context, n int) {
			key := probeKey(p.id, p.region.Name(), strconv.Itoa(n))
			p.note(&p.writes, key, func() error { return p.region.Write(ctx, key, key) })
		})
	})
	running.Go(func() {
		p.every(ctx, stop, func(ctx context.Context, _ int) {
			p.mu.Lock()
			key := p.last
			p.mu.Unlock()
			if key == "" {
				key = probeKey(p.id, p.region.Name(), "0")
			}
			p.note(&p.reads, "", func() error { return p.region.Read(ctx, key) })
		})
	})
}

// every sends requests, one after the other, at the interval or as fast as they are answered.
func (p *prober) every(ctx context.Context, stop <-chan struct{}, request func(context.Context, int)) {
	ticks := time.NewTicker(p.options.Interval)
	defer ticks.Stop()
	for n := 0; ; n++ {
		requesting, cancel := context.WithTimeout(ctx, p.options.Timeout)
		request(requesting, n)
		cancel()
		select {
		case <-ticks.C:
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (p *prober) note(samples *[]sample, key string, request func() error) {
	s := sample{began: time.Now()}
	s.err = request()
	s.ended = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	*samples = append(*samples, s)
	if s.err == nil && key != "" {
		p.acked, p.last = append(p.acked, key), key
	}
}

// strand notes writes that the region acknowledged on its own.
func (p *prober) strand(keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acked = append(p.acked, keys...)
}

func (p *prober) acknowledged() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.acked)
}

// recovered tells whether a write and a read have succeeded that began after a moment.
func (p *prober) recovered(after time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	succeeded := func(s sample) bool { return s.err == nil && s.began.After(after) }
	return slices.ContainsFunc(p.writes, succeeded) && slices.ContainsFunc(p.reads, succeeded)
}

// access reports what the region did with requests of a kind.
func (p *prober) access(samples []sample, zero time.Time) Access {
	var a Access
	var open *Outage
	for _, s := range samples {
		a.Requests++
		if s.err == nil {
			a.SlowestMillis = max(a.SlowestMillis, s.ended.Sub(s.began).Milliseconds())
			if open != nil {
				open.DurationMillis = s.ended.Sub(zero).Milliseconds() - open.StartMillis
				open = nil
			}
			continue
		}
		a.Failed++
		if open == nil {
			a.Outages = append(a.Outages, Outage{StartMillis: s.began.Sub(zero).Milliseconds(), Error: s.err.Error()})
			open = &a.Outages[len(a.Outages)-1]
		}
		open.DurationMillis = s.ended.Sub(zero).Milliseconds() - open.StartMillis
		open.Requests++
	}
	if open != nil {
		open.Open = true
	}
	return a
}

// report is how reads and writes were affected in the region.
func (p *prober) report(zero time.Time) RegionReport {
	p.mu.Lock()
	defer p.mu.Unlock()
	return RegionReport{
		Region: p.region.Name(), Acknowledged: len(p.acked),
		Writes: p.access(p.writes, zero), Reads: p.access(p.reads, zero),
	}
}
