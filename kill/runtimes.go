package kill

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// seenInterval is how often the hub writes down when runtimes were last connected. Until then a
// hub that crashed believes that they have been away a little longer.
const seenInterval = time.Minute

// A record is what the hub knows of a runtime. Hub.mu guards it.
type record struct {
	knownRuntime
	conns   []*conn // more than one if an id is used twice, or if a connection is not known to be dead
	hash    Hash
	durable bool
	refused int
}

// A conn is the standing stream of a runtime. Hub.mu guards the fields that change.
type conn struct {
	id, boot string
	acked    uint64 // place in the journal
	hello    bool   // it has acknowledged that it is current
	hash     Hash
	durable  bool
	refused  int
	ask      chan count // questions for it; never full unless it does not read
	answers  map[uint64]func(Impact)
}

// serveRuntime is one standing stream.
func (h *Hub) serveRuntime(x *exchange) error {
	first, err := x.receive()
	if err != nil {
		return err
	}
	hi := first.Hello
	switch {
	case hi == nil || hi.ID == "" || len(hi.ID) > maxID || len(hi.Boot) > maxID || len(hi.Region) > MaxRegion ||
		!plain(hi.ID) || !plain(hi.Boot) || !plain(hi.Region):
		return fmt.Errorf("kill: a runtime says hello with its id, of at most %d bytes, first", maxID)
	case !x.peer.speaksFor(hi.ID):
		return &IdentityError{fmt.Sprintf("the certificate of %s is used by a runtime that calls itself %s", x.peer, hi.ID)}
	}
	c := &conn{id: hi.ID, boot: hi.Boot, hash: hi.Hash, durable: hi.Durable, ask: make(chan count, 16), answers: make(map[uint64]func(Impact))}
	place, change := h.join(c, *hi)
	defer h.part(c)

	ctx, cancel := context.WithCancel(x.ctx)
	defer cancel()
	written := make(chan error, 1)
	go func() {
		defer cancel() // ends the reading
		written <- h.feed(ctx, x, c, place, change)
	}()
	defer context.AfterFunc(ctx, x.abort)()
	err = h.listen(x, c)
	cancel()
	if writeErr := <-written; writeErr != nil {
		return writeErr
	}
	return err
}

// join adds the stream to those of its runtime, and returns where in the journal it is, and the
// change of the list of runtimes that has to be on disk before the runtime is told it is current.
func (h *Hub) join(c *conn, hi hello) (place, change uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	// What stands is in the set before it is in the journal, so that with equal hashes nothing
	// in the journal is missing.
	if hi.Hash == h.sw.Hash() {
		place = h.journal.head
	}
	r, known := h.runtimes[c.id]
	if !known {
		r = &record{}
		h.runtimes[c.id] = r
	}
	news := !known || r.Left
	if len(r.conns) > 0 {
		h.log.Warn("kill: a runtime is connected twice; give each process an id of its own", "runtime", c.id, "boot", c.boot, "other_boot", r.Boot)
	}
	r.ID, r.Boot, r.Region, r.Seen, r.Left = c.id, c.boot, hi.Region, time.Now(), false
	r.conns = append(r.conns, c)
	h.noteAll(r)
	if news {
		change = h.known.changed()
	}
	return place, change
}

// part removes the stream.
func (h *Hub) part(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, known := h.runtimes[c.id]
	if !known {
		return
	}
	r.conns = slices.DeleteFunc(r.conns, func(other *conn) bool { return other == c })
	r.Seen = time.Now()
	h.known.changed()
	h.noteAll(r)
}

// feed sends orders and questions until ctx ends.
func (h *Hub) feed(ctx context.Context, x *exchange, c *conn, place, change uint64) error {
	current, informed, learned := false, false, h.learned
	for {
		h.mu.Lock()
		next, changed, head := sendable{upTo: place}, h.journal.changed, h.journal.head
		if place < head {
			next = h.journal.after(place)
		}
		h.mu.Unlock()
		lines := next.lines
		if place == head && !current && informed {
			if err := h.known.wait(ctx, change); err != nil && ctx.Err() == nil {
				h.log.Error("kill: a hub that restarts now would not miss a new runtime", "runtime", c.id, "error", err)
			}
			hash := h.sw.Hash()
			lines, current = message{Current: &hash, Seq: place}.line(), true
		}
		if len(lines) > 0 {
			if err := x.send(lines); err != nil {
				return err
			}
			place = next.upTo
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-learned:
			informed, learned = true, nil
		case q := <-c.ask:
			if err := x.send(message{Count: &q}.line()); err != nil {
				return err
			}
		}
	}
}

// listen takes acknowledgements and answers until the stream ends.
func (h *Hub) listen(x *exchange, c *conn) error {
	for {
		m, err := readMessage(x.in)
		if err != nil {
			return err
		}
		switch {
		case m.Ack != nil:
			h.acked(c, *m.Ack)
		case m.Count != nil && m.Count.Impact != nil:
			h.mu.Lock()
			answer := c.answers[m.Count.Query]
			delete(c.answers, m.Count.Query)
			h.mu.Unlock()
			if answer != nil {
				answer(m.Count.Impact.clipped())
			}
		case m.Bye:
			h.mu.Lock()
			if r := h.runtimes[c.id]; r != nil && len(r.conns) == 1 {
				r.Left = true
			}
			h.mu.Unlock()
			return nil
		}
	}
}

// acked notes what a runtime has acknowledged.
func (h *Hub) acked(c *conn, a ack) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.hello = true
	if a.Refused == 0 {
		c.acked = max(c.acked, min(a.Seq, h.journal.head))
	}
	c.hash, c.durable, c.refused = a.Hash, a.Durable, a.Refused
	if r := h.runtimes[c.id]; r != nil {
		r.hash, r.durable, r.refused = a.Hash, a.Durable, a.Refused
		h.noteAll(r)
	}
}

// noteAll tells every tracker how the runtime stands; Hub.mu is held.
func (h *Hub) noteAll(r *record) {
	for t := range h.trackers {
		t.note(h.report(r, t.seq))
	}
}

// report is how the runtime stands towards the order at a place of the journal, 0 if the order
// is not in it yet; Hub.mu is held.
func (h *Hub) report(r *record, seq uint64) RuntimeReport {
	report := RuntimeReport{
		ID: r.ID, Boot: r.Boot, Region: r.Region, Seen: r.Seen, Hash: r.hash, Twice: len(r.conns) > 1, Refused: r.refused,
	}
	if len(r.conns) == 0 {
		switch away := time.Since(r.Seen); {
		case r.Left:
			report.State = Left
		case away > h.options.Expire:
			report.State = Expired
		default:
			report.State = Unreachable
		}
		return report
	}
	report.State, report.Durable = Acked, true
	for _, c := range r.conns {
		if !c.hello || seq == 0 || c.acked < seq {
			report.State, report.Durable = Pending, false
			break
		}
		report.Durable = report.Durable && c.durable
	}
	return report
}

// knownRuntimes is the list that goes to disk.
func (h *Hub) knownRuntimes() []knownRuntime {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]knownRuntime, 0, len(h.runtimes))
	for _, r := range h.runtimes {
		k := r.knownRuntime
		if len(r.conns) > 0 {
			k.Seen = time.Now()
		}
		list = append(list, k)
	}
	return list
}

// waitedFor is how many runtimes have not left; Hub.mu is held.
func (h *Hub) waitedFor() int {
	n := 0
	for _, r := range h.runtimes {
		if !r.Left {
			n++
		}
	}
	return n
}

// sweep forgets runtimes that have been away for very long, or have left a while ago, and writes
// down now and then when the others were seen.
func (h *Hub) sweep(ctx context.Context) {
	for pause(ctx, min(seenInterval, h.options.Forget)) {
		h.mu.Lock()
		for id, r := range h.runtimes {
			away := time.Since(r.Seen)
			if len(r.conns) == 0 && (away > h.options.Forget || r.Left && away > h.options.Expire) {
				delete(h.runtimes, id)
			}
		}
		h.known.changed()
		h.mu.Unlock()
	}
}

// Forget drops a runtime that is not connected from the list of those that reports wait for, and
// reports whether it was there. Do so when you have made sure that it does not run.
func (h *Hub) Forget(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, known := h.runtimes[id]
	if !known || len(r.conns) > 0 {
		return false
	}
	delete(h.runtimes, id)
	h.known.changed()
	for t := range h.trackers {
		gone := h.report(r, t.seq)
		gone.State = Left
		t.note(gone)
	}
	return true
}

func (h *Hub) serveForget(x *exchange) error {
	m, err := x.receive()
	if err != nil {
		return err
	}
	if !h.Forget(m.Forget) {
		return fmt.Errorf("kill: the hub of region %q does not know runtime %q, or it is connected", h.options.Region, m.Forget)
	}
	return x.send(message{Bye: true}.line())
}
