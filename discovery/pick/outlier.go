package pick

import "time"

// maxEjections is how many ejections in a row lengthen the next one.
const maxEjections = 10

// succeeded ends the rows of failures and of ejections. What ends while the endpoint is
// ejected began before and says nothing about how it will be.
func (e *endpoint) succeeded() {
	if e.failures.Load() != 0 {
		e.failures.Store(0)
	}
	if e.ejections.Load() != 0 && !e.ejected() {
		e.ejections.Store(0)
	}
}

// failed counts a failure and ejects the endpoint if it was one too many.
func (p *Pool) failed(e *endpoint) {
	limit := int64(p.opts.Outliers.Failures)
	if e.ejected() || e.failures.Add(1) < limit {
		return
	}
	if s := p.set.Load(); s.full && (s.due == never || elapsed() < s.due) {
		return // without the lock: when everything fails, everybody comes here
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s, now := p.set.Load(), elapsed()
	changed := p.readmit(s.layout, now)
	if s.layout.serves(e) && !e.ejected() && e.failures.Load() >= limit &&
		s.layout.ejected() < p.mayEject(s.layout.serving) {
		row := min(e.ejections.Load()+1, maxEjections)
		e.ejections.Store(row)
		e.failures.Store(0)
		e.until.Store(now + row*int64(p.opts.Outliers.Ejection))
		changed = true
	}
	if changed {
		p.set.Store(p.newSet(s.layout))
	}
}

// readmitDue brings back the endpoints whose ejection has ended, unless somebody else is
// at it.
func (p *Pool) readmitDue(now int64) *set {
	if !p.mu.TryLock() {
		return p.set.Load()
	}
	defer p.mu.Unlock()
	s := p.set.Load()
	if p.readmit(s.layout, now) {
		s = p.newSet(s.layout)
		p.set.Store(s)
	}
	return s
}

// readmit ends the ejections of a layout that are over, and as many more as there are too
// many, those that would end first. Whoever calls it holds Pool.mu, and makes a new set if
// it returns true.
func (p *Pool) readmit(l *layout, now int64) bool {
	var out []*endpoint
	changed := false
	for _, members := range l.tiers {
		for _, m := range members {
			switch until := m.endpoint.until.Load(); {
			case until == 0:
			case until <= now:
				m.endpoint.until.Store(0)
				changed = true
			default:
				out = append(out, m.endpoint)
			}
		}
	}
	for may := p.mayEject(l.serving); len(out) > may; {
		first := 0
		for i, e := range out {
			if e.until.Load() < out[first].until.Load() {
				first = i
			}
		}
		out[first].until.Store(0)
		out[first] = out[len(out)-1]
		out = out[:len(out)-1]
		changed = true
	}
	return changed
}

// mayEject is how many of n instances may be ejected at once.
func (p *Pool) mayEject(n int) int {
	const rounding = 1e-9 // 0.29 of 100 is 29, whatever floating point says
	return max(0, min(n-1, int(p.opts.Outliers.MaxShare*float64(n)+rounding)))
}

func (l *layout) serves(e *endpoint) bool {
	for _, members := range l.tiers {
		for _, m := range members {
			if m.endpoint == e {
				return true
			}
		}
	}
	return false
}

func (l *layout) ejected() (n int) {
	for _, members := range l.tiers {
		for _, m := range members {
			if m.endpoint.ejected() {
				n++
			}
		}
	}
	return n
}

// timeOf is the time of day of a point in time of this package.
func timeOf(at, now int64) time.Time { return time.Now().Add(time.Duration(at - now)) }
