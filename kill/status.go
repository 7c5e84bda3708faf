package kill

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
)

// Status is how a hub stands.
type Status struct {
	Region string `json:"region"`
	Hash   Hash   `json:"hash"`
	// Source is where the latest orders came from.
	Source  string `json:"source"`
	Durable bool   `json:"durable"`
	// Orders are all that stand, but for canaries.
	Orders []Order      `json:"orders,omitempty"`
	Peers  []PeerStatus `json:"peers,omitempty"`
	// Runtimes are the known ones, by id: Acked are those that have all that this hub knows.
	Runtimes []RuntimeReport `json:"runtimes,omitempty"`
	Canary   CanaryStatus    `json:"canary"`
	// KnownErr is why the list of runtimes is not on disk, StoreErr why the store is behind.
	KnownErr string `json:"known_err,omitempty"`
	StoreErr string `json:"store_err,omitempty"`
}

// PeerStatus is how a peer of the hub stands.
type PeerStatus struct {
	Region string `json:"region"`
	// Equal is whether its set was the hub's own when it last answered, at Seen.
	Equal    bool      `json:"equal"`
	Seen     time.Time `json:"seen"`
	Runtimes int       `json:"runtimes"`
	Err      string    `json:"err,omitempty"`
}

// Status returns how the hub stands.
func (h *Hub) Status() Status {
	set := h.sw.Set()
	s := Status{
		Region: h.options.Region, Hash: set.Hash(), Source: h.sw.Source(), Durable: h.sw.Durable(), Canary: h.canary.report(),
		Orders: slices.DeleteFunc(set.Orders(), func(o Order) bool { return o.Target.Kind == KindCanary }),
	}
	if err := h.known.status(); err != nil {
		s.KnownErr = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.storeErr != nil {
		s.StoreErr = h.storeErr.Error()
	}
	for _, r := range h.runtimes {
		s.Runtimes = append(s.Runtimes, h.report(r, max(1, h.journal.head)))
	}
	if h.journal.head == 0 { // nothing to acknowledge
		for i := range s.Runtimes {
			if s.Runtimes[i].State == Pending {
				s.Runtimes[i].State = Acked
			}
		}
	}
	for _, l := range h.lines {
		p := PeerStatus{Region: l.peer.Region, Equal: l.hash == s.Hash, Seen: l.seen, Runtimes: l.known}
		if l.err != nil {
			p.Err = l.err.Error()
		}
		s.Peers = append(s.Peers, p)
	}
	slices.SortFunc(s.Runtimes, func(a, b RuntimeReport) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Peers, func(a, b PeerStatus) int { return strings.Compare(a.Region, b.Region) })
	return s
}

// serveStatus sends the runtimes and orders in pieces, and the rest at last.
func (h *Hub) serveStatus(x *exchange) error {
	s := h.Status()
	lines := update{runtimes: s.Runtimes}.lines()
	for _, b := range batches(s.Orders) {
		lines = append(lines, b.line()...)
	}
	s.Runtimes, s.Orders = nil, nil
	return x.send(append(lines, message{Status: &s}.line()...))
}

// serveKill carries out a request for an operator.
func (h *Hub) serveKill(x *exchange) error {
	m, err := x.receive()
	if err != nil {
		return err
	}
	if m.Request == nil {
		return errors.New("kill: there is no request that could be read")
	}
	request := *m.Request
	if err := request.Target.Validate(); err != nil {
		return err
	}
	if x.peer.tls {
		request.By = clip(cmp.Or(x.peer.names[RoleOperator], x.peer.String()), MaxBy)
	}
	report, err := h.Kill(x.ctx, request, func(p Progress) {
		for first := true; first || len(p.Runtimes) > 0; first = false {
			part := p
			n := min(len(p.Runtimes), maxStates)
			part.Runtimes, p.Runtimes = p.Runtimes[:n], p.Runtimes[n:]
			_ = x.send(message{Progress: &part}.line()) // an operator who is gone ends the context
		}
	})
	var lines []byte
	for _, region := range report.Regions {
		for first := true; first || len(region.Runtimes) > 0; first = false {
			part := region
			n := min(len(region.Runtimes), maxStates)
			part.Runtimes, region.Runtimes = region.Runtimes[:n], region.Runtimes[n:]
			lines = append(lines, message{Region: &part}.line()...)
		}
	}
	report.Regions = nil
	report.Order.Target = request.Target // also if nothing was ordered
	last := message{Report: &report}
	if err != nil {
		last.Error = toRemote(err)
	}
	return x.send(append(lines, last.line()...))
}

func clip(text string, length int) string {
	return strings.ToValidUTF8(text[:min(len(text), length)], "")
}
