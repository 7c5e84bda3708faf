package kill

import "time"

// A spread is the state of an order as it goes out: what each hub says of itself and of the
// runtimes it knows. One goroutine owns it.
type spread struct {
	order Order
	start time.Time
	hubs  map[string]*RegionReport
	// runtimes are by id, because one may be known to several hubs: it went to another region's
	// when its own was away.
	runtimes map[string]map[string]RuntimeReport // by id and region of the hub
	waiting  map[string]struct{}                 // runtimes that have not acknowledged
	heard    map[string]bool                     // hubs whose list of runtimes has come
}

func newSpread(order Order, start time.Time, region string) *spread {
	s := &spread{
		order: order, start: start, hubs: make(map[string]*RegionReport),
		runtimes: make(map[string]map[string]RuntimeReport),
		waiting:  make(map[string]struct{}), heard: make(map[string]bool),
	}
	s.expect(region, 0)
	return s
}

// expect adds a hub that has not answered yet.
func (s *spread) expect(region string, known int) {
	if _, twice := s.hubs[region]; !twice {
		s.hubs[region] = &RegionReport{Region: region, State: Unreachable, Known: known}
	}
}

// take merges an update, and returns what is news in it.
func (s *spread) take(u update) (Progress, bool) {
	elapsed := time.Since(s.start)
	hub, known := s.hubs[u.region]
	if !known {
		return Progress{}, false
	}
	news := false
	switch {
	case u.err != nil:
		news = hub.Err != u.err.Error()
		hub.Err = u.err.Error()
	case u.hub != nil:
		news = hub.State != Acked || hub.Durable != u.hub.Durable
		if hub.State != Acked {
			hub.Took = elapsed
		}
		hub.State, hub.Durable, hub.Hash, hub.Err = Acked, u.hub.Durable, u.hub.Hash, ""
	}
	// Of a list that comes in pieces the last one counts: who is missing may be in it.
	if u.err == nil && !u.more && (u.hub == nil || u.runtimes != nil) {
		s.heard[u.region] = true
	}
	for i := range u.runtimes {
		r := &u.runtimes[i]
		if r.State == Acked {
			r.Took = elapsed
		}
		of := s.runtimes[r.ID]
		if of == nil {
			of = make(map[string]RuntimeReport, 1)
			s.runtimes[r.ID] = of
		}
		if old, known := of[u.region]; known && old.State == Acked && r.State == Acked {
			r.Took = old.Took
		}
		of[u.region] = *r
		if _, stands := s.effective(r.ID); stands.State == Acked || stands.State == Left {
			delete(s.waiting, r.ID)
		} else {
			s.waiting[r.ID] = struct{}{}
		}
		news = true
	}
	return Progress{
		Region: u.region, State: hub.State, Durable: hub.Durable, Err: hub.Err, Runtimes: u.runtimes,
		Waiting: s.waitingHubs() + len(s.waiting), Elapsed: elapsed,
	}, news
}

// effective is the report of the runtime that counts, and the hub it is from: an acknowledgement
// wherever it was given, then the hub it is connected to, then the one that saw it last.
func (s *spread) effective(id string) (region string, best RuntimeReport) {
	rank := func(r RuntimeReport) int {
		switch r.State {
		case Acked:
			return 2
		case Pending:
			return 1
		default:
			return 0
		}
	}
	for at, r := range s.runtimes[id] {
		a, b := rank(r), rank(best)
		if region == "" || a > b || a == b && (r.Seen.After(best.Seen) || r.Seen.Equal(best.Seen) && at < region) {
			region, best = at, r
		}
	}
	return region, best
}

func (s *spread) waitingHubs() int {
	n := 0
	for region, hub := range s.hubs {
		if hub.State != Acked || !s.heard[region] {
			n++
		}
	}
	return n
}

func (s *spread) complete() bool { return len(s.waiting) == 0 && s.waitingHubs() == 0 }

// regions are the hubs with their runtimes, each runtime once.
func (s *spread) regions() []RegionReport {
	of := make(map[string][]RuntimeReport)
	for id := range s.runtimes {
		region, r := s.effective(id)
		of[region] = append(of[region], r)
	}
	regions := make([]RegionReport, 0, len(s.hubs))
	for region, hub := range s.hubs {
		r := *hub
		r.Runtimes = of[region]
		if s.heard[region] {
			r.Known = len(r.Runtimes)
		}
		regions = append(regions, r)
	}
	return regions
}
