package replication

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/roster-go/roster/replica"
)

// An origin is what a region knows of another one, from what that one sends.
type origin struct {
	region    string
	agent     *Agent
	connected bool
	beatAt    time.Time // when the latest heartbeat came, or the agent began to wait for one
	confirmed time.Time // everything that was written there before is here; zero if not known
	known     replica.Context
	restored  bool // its etcd was, and it has yet to be told what has been deleted since
	lost      bool // the instances are marked as unconfirmed
	told      bool // lost has been written down

	applied, conflicts, repairs, refused, swept uint64
}

// knows tells whether the region is known to know everything in a context.
func (o *origin) knows(what replica.Context) bool {
	o.agent.mu.Lock()
	defer o.agent.mu.Unlock()
	return o.known != nil && o.known.Includes(what)
}

// origin returns what is known of a region, under the agent's mutex.
func (a *Agent) origin(region string) *origin {
	o := a.origins[region]
	if o == nil {
		o = &origin{region: region, agent: a, beatAt: time.Now()}
		a.origins[region] = o
	}
	return o
}

// with changes what is known of a region.
func (a *Agent) with(region string, f func(o *origin)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(a.origin(region))
}

// freshness is how far this region is behind the others, in milliseconds, as far as it is known.
func (a *Agent) freshness() map[string]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh := make(map[string]int64, len(a.origins))
	for region, o := range a.origins {
		if !o.confirmed.IsZero() {
			fresh[region] = time.Since(o.confirmed).Milliseconds() + 1
		}
	}
	return fresh
}

// A stream is a feed that is being received. A new one of the same region and feed ends it.
type stream struct {
	agent   *Agent
	lead    *lead
	store   *Store
	log     *slog.Logger
	from    string
	feed    string
	hello   hello
	ctx     context.Context //nolint:containedctx // of the request, for which the stream lives
	cancel  context.CancelCauseFunc
	ended   chan struct{}
	reply   *lines
	target  target
	probes  map[uint64]time.Time
	probe   uint64
	acked   int64
	doubted bool // what it says of its own writes: its etcd was restored
	wants   int  // keys that have been asked for
	got     int  // of these, sent
	closing *digestClose
	keys    []keyHash // of the digest that is being settled, until closing
	reading sync.WaitGroup
}

// A target is where a stream's content goes.
type target interface {
	// begin reads the cursor.
	begin(ctx context.Context) (cursor, error)
	// full begins a full sync.
	full(ctx context.Context, epoch string) error
	// apply stores items, and with them that everything up to a revision is there.
	apply(ctx context.Context, items []item, to int64) error
	// repair stores items that were asked for.
	repair(ctx context.Context, items []item) error
	// synced ends a full sync.
	synced(ctx context.Context, s synced, to int64) error
	// beat takes a heartbeat.
	beat(ctx context.Context, b beat, to int64) error
	// end is called when the stream ends.
	end()
}

var errReplaced = errors.New("replication: another stream of the same region took over")

// ServeHTTP receives a feed.
func (a *Agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	feed, ok := strings.CutPrefix(r.URL.Path, pushPath)
	switch {
	case !ok && a.opts.Handler != nil:
		a.serveOther(w, r)
		return
	case !ok || (feed != recordsFeed && feed != instancesFeed):
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	case r.ProtoMajor < 2:
		http.Error(w, "only HTTP/2", http.StatusHTTPVersionNotSupported)
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	controller := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	s := &stream{
		agent: a, store: a.store, feed: feed, ctx: ctx, cancel: cancel, ended: make(chan struct{}),
		reply: newLines(w, controller.Flush), probes: make(map[uint64]time.Time),
	}
	defer close(s.ended)
	// A peer that connects and says nothing is sent away.
	_ = controller.SetReadDeadline(time.Now().Add(helloTimeout))
	from := newLineReader(r.Body)
	var first message
	if err := from.next(&first); err != nil || first.Hello == nil {
		s.refuse(&Refusal{Code: RefusedData, Text: "the first message has to be a hello"})
		return
	}
	_ = controller.SetReadDeadline(time.Time{})
	s.hello, s.from = *first.Hello, first.Hello.From
	if err := s.admit(r); err != nil {
		s.refuse(err)
		return
	}
	defer s.leave()
	s.refuse(s.receive(from))
	cancel(nil)
	_ = controller.SetReadDeadline(time.Unix(1, 0)) // ends the reading
	s.reading.Wait()
}

// refuse tells the peer why the stream ends.
func (s *stream) refuse(err error) {
	if err == nil || errors.Is(err, io.EOF) {
		return
	}
	if reason := context.Cause(s.ctx); reason != nil {
		err = reason
	}
	var refusal *Refusal
	var bad *malformed
	var entry *EntryError
	switch {
	case errors.As(err, &refusal):
	case errors.As(err, &bad), errors.As(err, &entry), errors.Is(err, errTooLong):
		refusal = &Refusal{Code: RefusedData, Text: err.Error()}
	default:
		refusal = &Refusal{Code: RefusedBusy, Text: err.Error()}
	}
	refusal.Region = s.store.region
	if refusal.Code == RefusedData && s.log != nil {
		s.log.Warn("refused what a peer sent", slog.Any("error", err))
		s.agent.with(s.from, func(o *origin) { o.refused++ })
	} else if s.log != nil {
		s.log.Debug("a stream ended", slog.Any("error", err))
	}
	_ = s.reply.send(reply{Refusal: refusal}) // the peer may have gone
}

// A received is a message, or why there are no more.
type received struct {
	message

	err error
}

// receive takes in the feed until it ends. The error is not nil.
func (s *stream) receive(from lineReader) error {
	s.target = newRecordTarget(s)
	if s.feed == instancesFeed {
		s.target = newMirror(s)
	}
	defer s.target.end()
	c, err := s.target.begin(s.ctx)
	if err != nil {
		return err
	}
	if err := s.checkRestored(c); err != nil {
		return err
	}
	if err := s.welcome(c); err != nil {
		return err
	}
	s.acked = c.Revision
	messages := s.read(from)
	ticks := time.NewTicker(s.agent.opts.Heartbeat)
	defer ticks.Stop()
	if err := s.ask(); err != nil {
		return err
	}
	var held *received
	for {
		var r received
		if held != nil {
			r, held = *held, nil
		} else {
			select {
			case <-s.ctx.Done():
				return context.Cause(s.ctx)
			case <-ticks.C:
				if err := s.ask(); err != nil {
					return err
				}
				continue
			case r = <-messages:
			}
		}
		if r.err != nil {
			return r.err
		}
		if len(r.Items) > 0 && !r.Repair { // one transaction for what waits
			held = s.gather(&r, messages)
		}
		if err := s.take(r.message); err != nil {
			return err
		}
	}
}

// welcome tells the peer where to go on.
func (s *stream) welcome(c cursor) error {
	restored := s.restored(c)
	w := welcome{Region: s.store.region, Cursor: c, Full: c.Cluster == "" || c.Partial != "" || restored || s.behind(), Stale: restored}
	if restored {
		s.log.Warn("the region's etcd was restored or replaced, comparing everything", slog.String("cluster", s.hello.Cluster), slog.Int64("head", s.hello.Head))
		s.lead.hurry(s.from)
	}
	return s.reply.send(reply{Welcome: &w})
}

// read hands on the peer's messages until the stream ends.
func (s *stream) read(from lineReader) <-chan received {
	messages := make(chan received, 16)
	s.reading.Go(func() {
		for {
			var r received
			r.err = from.next(&r.message)
			select {
			case messages <- r:
			case <-s.ctx.Done():
				return
			}
			if r.err != nil {
				return
			}
		}
	})
	return messages
}

// gather adds the items of following messages that are here already, and returns the first
// message that does not fit.
func (s *stream) gather(r *received, messages <-chan received) *received {
	size := 0
	for _, i := range r.Items {
		size += i.size()
	}
	for {
		select {
		case next := <-messages:
			for _, i := range next.Items {
				size += i.size()
			}
			if next.err != nil || len(next.Items) == 0 || next.Repair || len(r.Items)+len(next.Items) > maxBatchItems || size > maxBatchBytes {
				return &next
			}
			r.Items = append(r.Items, next.Items...)
			r.To = next.To
		default:
			return nil
		}
	}
}

// ask sends a probe: its echo comes after everything that the peer has now.
func (s *stream) ask() error {
	if s.feed != recordsFeed {
		return nil
	}
	const remembered = 64 // probes under way, one for each heartbeat
	s.probe++
	s.probes[s.probe] = time.Now()
	delete(s.probes, s.probe-remembered)
	return s.reply.send(reply{Probe: s.probe})
}

// take takes in one message.
func (s *stream) take(m message) error {
	bad := func(text string) error { return &Refusal{Code: RefusedData, Text: text} }
	if len(m.Items) > maxItems || len(m.Keys) > 2*hashesPerMessage {
		return bad(fmt.Sprintf("a batch of %d, the limit is %d", max(len(m.Items), len(m.Keys)), maxItems))
	}
	if m.To < 0 || (m.To != 0 && m.To < s.acked) {
		return bad("it goes back")
	}
	switch {
	case m.Full != "":
		return s.target.full(s.ctx, m.Full)
	case len(m.Items) > 0 && m.Repair:
		if s.feed != recordsFeed {
			return bad("there is nothing to repair here")
		}
		if err := s.target.repair(s.ctx, m.Items); err != nil {
			return err
		}
		s.got += len(m.Items)
		return s.settle()
	case len(m.Items) > 0:
		if err := s.target.apply(s.ctx, m.Items, m.To); err != nil {
			return err
		}
		return s.ack(m.To)
	case m.Synced != nil:
		if err := s.target.synced(s.ctx, *m.Synced, m.To); err != nil {
			return err
		}
		return s.ack(m.To)
	case m.Beat != nil:
		if s.doubted {
			m.Beat.Known = othersThan(s.from, m.Beat.Known)
		}
		if err := m.Beat.Known.Validate(); err != nil {
			return bad(err.Error())
		}
		if err := s.target.beat(s.ctx, *m.Beat, m.To); err != nil {
			return err
		}
		s.beaten(*m.Beat)
		return s.ack(m.To)
	case m.Digest != nil, m.Keys != nil, m.Done != nil:
		if s.feed != recordsFeed {
			return bad("there is nothing to compare here")
		}
		return s.compare(m)
	}
	return nil // of a later version
}

func (s *stream) ack(to int64) error {
	s.acked = max(s.acked, to)
	return s.reply.send(reply{Ack: to})
}

// beaten notes a heartbeat. What was there when the probe that it echoes was sent is here.
func (s *stream) beaten(b beat) {
	at, ok := s.probes[b.Echo]
	for n := range s.probes {
		if b.Echo != 0 && n <= b.Echo {
			delete(s.probes, n)
		}
	}
	s.agent.with(s.from, func(o *origin) {
		o.beatAt = time.Now()
		o.known = b.Known.Clone()
		if ok && b.Echo != 0 && at.After(o.confirmed) {
			o.confirmed = at
		}
	})
}
