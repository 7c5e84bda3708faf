package replication

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// A session is one connection of a link. One goroutine runs it, another receives.
type session struct {
	link    *link
	ctx     context.Context //nolint:containedctx // of the connection, for which the session lives
	to      *lines
	replies chan reply
	cluster string // of the region's etcd, as it was introduced

	pos       int64 // everything up to it has been sent
	all       bool  // until fullTo, send everything
	fullTo    int64
	epoch     string
	flights   []flight
	bytes     int
	beatSent  int64
	echo      uint64 // a probe to answer
	echoAfter uint64 // with a heartbeat of a higher number
	comparing comparison
}

// A flight is a message that has not been acknowledged.
type flight struct {
	to    int64
	bytes int
	items int
}

// receive hands on what the peer says until the stream ends.
func (s *session) receive(from lineReader) error {
	for {
		var r reply
		if err := from.next(&r); err != nil {
			if errors.Is(err, io.EOF) {
				return errFinished
			}
			return fmt.Errorf("replication: region %q: %w", s.link.region.Name, err)
		}
		if r.Refusal != nil {
			return r.Refusal
		}
		select {
		case s.replies <- r:
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
}

// resume decides where to go on.
func (s *session) resume(w welcome) {
	revision, floor := s.link.source.head()
	c := w.Cursor
	sessions := func() []string {
		st := s.link.lead.store
		st.mu.Lock()
		defer st.mu.Unlock()
		return st.sessions.value
	}()
	known := c.Session == s.link.lead.session || slices.Contains(sessions, c.Session)
	if !w.Full && c.Partial == "" && c.Cluster == s.cluster && known && c.Revision <= revision && c.Revision >= floor {
		s.pos = c.Revision
		return
	}
	s.all, s.fullTo, s.epoch = true, revision, rand.Text()
	s.link.mu.Lock()
	s.link.status.full++
	s.link.mu.Unlock()
}

// run pushes until the stream or ctx ends.
func (s *session) run(w welcome) error {
	k := s.link
	s.resume(w)
	if s.epoch != "" {
		if err := s.to.send(message{Full: s.epoch}); err != nil {
			return err
		}
	}
	k.mu.Lock()
	k.status.acked, k.status.sent = s.pos, s.pos
	k.mu.Unlock()
	s.comparing.init(k.lead.agent.opts.Digests)
	defer s.comparing.stop()
	for {
		changed := k.source.changed()
		if err := s.fill(); err != nil {
			return err
		}
		if k.feed == recordsFeed {
			if err := s.compare(); err != nil {
				return err
			}
		}
		select {
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case <-changed:
		case <-s.comparing.timer.C:
			s.comparing.due = true
		case <-k.hurried:
			s.comparing.due = true
		case <-k.renewed:
			return errRestored
		case r := <-s.replies:
			if err := s.take(r); err != nil {
				return err
			}
		}
	}
}

// fill sends what there is, as far as the window is open.
func (s *session) fill() error {
	k := s.link
	limit := k.lead.agent.opts.InFlight
	for s.bytes < limit {
		head, floor := k.source.head()
		switch {
		case head < s.pos:
			return errSkewed
		case s.pos < floor && !s.all:
			return errForgot
		}
		items, to := k.source.next(s.pos, s.all)
		if to <= s.pos && (!s.all || s.pos < s.fullTo) {
			return nil
		}
		if len(items) > 0 {
			size := 0
			for _, i := range items {
				size += i.size()
			}
			if err := s.to.send(message{Items: items, To: to}); err != nil {
				return err
			}
			s.flights = append(s.flights, flight{to: to, bytes: size, items: len(items)})
			s.bytes += size
		}
		s.pos = max(s.pos, to)
		if s.all && s.pos >= s.fullTo {
			k.lead.store.mu.Lock()
			collected := k.lead.store.floor.value
			k.lead.store.mu.Unlock()
			if err := s.to.send(message{Synced: &synced{Epoch: s.epoch, Floor: collected}, To: s.pos}); err != nil {
				return err
			}
			s.flights = append(s.flights, flight{to: s.pos})
			s.all, s.epoch = false, ""
		}
		if err := s.sendBeat(); err != nil {
			return err
		}
		k.mu.Lock()
		k.status.sent, k.status.inFlight = s.pos, s.bytes
		k.mu.Unlock()
	}
	return nil
}

// sendBeat sends the latest heartbeat once everything before it has been sent.
func (s *session) sendBeat() error {
	if s.link.feed != recordsFeed || s.all {
		return nil
	}
	st := s.link.lead.store
	st.mu.Lock()
	h := st.state.heartbeat
	st.mu.Unlock()
	if h.revision <= s.beatSent || h.revision > s.pos {
		return nil
	}
	b := &beat{Known: h.value.Known}
	if s.echo != 0 && h.value.Beat > s.echoAfter {
		b.Echo, s.echo = s.echo, 0
	}
	s.beatSent = h.revision
	s.flights = append(s.flights, flight{to: s.pos})
	return s.to.send(message{Beat: b, To: s.pos})
}

// take takes a reply.
func (s *session) take(r reply) error {
	k := s.link
	switch {
	case r.Ack != 0:
		s.acked(r.Ack)
	case r.Probe != 0:
		s.echo, s.echoAfter = r.Probe, k.lead.beating.Load()
	case r.Differ != nil:
		return s.differs(*r.Differ)
	case r.Want != nil:
		return s.wanted(r.Want)
	case r.Settled != nil:
		s.settled(*r.Settled)
	}
	return nil
}

// acked notes that the peer has stored everything up to a revision.
func (s *session) acked(to int64) {
	k := s.link
	now := time.Now()
	items := 0
	for len(s.flights) > 0 && s.flights[0].to <= to {
		s.bytes -= s.flights[0].bytes
		items += s.flights[0].items
		s.flights = s.flights[1:]
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, ok := k.source.seen(k.status.acked); ok && to > k.status.acked {
		k.status.lag, k.status.lagAt = now.Sub(at), now
	}
	k.status.acked = max(k.status.acked, to)
	k.status.applied += uint64(items)
	k.status.inFlight = s.bytes
}
