package kill

import "time"

// A tracker follows the acknowledgements of one order by the runtimes of a hub. Hub.mu guards it.
type tracker struct {
	order  Order
	start  time.Time
	seq    uint64 // place in the journal of what stands for the target; 0 until it does
	states map[string]RuntimeReport
	fresh  map[string]struct{} // changed since they were last taken
	wake   chan struct{}
}

// track starts to follow an order that may not be in the journal yet.
func (h *Hub) track(o Order) *tracker {
	t := &tracker{
		order: o, start: time.Now(),
		states: make(map[string]RuntimeReport), fresh: make(map[string]struct{}), wake: make(chan struct{}, 1),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if seq, known := h.journal.known[o.Target]; known {
		at, _ := h.journal.find(seq)
		t.find(h.journal.entries[at].order, seq)
	}
	h.trackers[t] = struct{}{}
	for _, r := range h.runtimes {
		t.note(h.report(r, t.seq))
	}
	return t
}

func (h *Hub) untrack(t *tracker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.trackers, t)
}

// find notes the place of the order, or of one that stands against it.
func (t *tracker) find(o Order, seq uint64) {
	if t.seq == 0 && o.Target == t.order.Target && o.Compare(t.order) >= 0 {
		t.seq = seq
	}
}

// note takes a report that may be news.
func (t *tracker) note(r RuntimeReport) {
	old, known := t.states[r.ID]
	nowDurable := r.State == Acked && r.Durable && !old.Durable
	if known && old.State == Acked && old.Boot == r.Boot && !nowDurable {
		return // what it has acknowledged stays acknowledged, also if it goes away
	}
	if known && old.State == r.State && old.Durable == r.Durable && old.Boot == r.Boot && old.Refused == r.Refused {
		return
	}
	if r.State == Acked {
		r.Took = time.Since(t.start)
		if known && old.State == Acked {
			r.Took = old.Took // it became durable
		}
	}
	t.states[r.ID] = r
	t.fresh[r.ID] = struct{}{}
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// news are the reports that changed since the last call.
func (h *Hub) news(t *tracker) []RuntimeReport {
	h.mu.Lock()
	defer h.mu.Unlock()
	reports := make([]RuntimeReport, 0, len(t.fresh))
	for id := range t.fresh {
		reports = append(reports, t.states[id])
	}
	clear(t.fresh)
	return reports
}

// age notes what time alone changes: unreachable runtimes expire.
func (h *Hub) age(t *tracker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, s := range t.states {
		if r := h.runtimes[id]; r != nil && s.State == Unreachable {
			t.note(h.report(r, t.seq))
		}
	}
}
