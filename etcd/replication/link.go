package replication

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica"
)

// A link pushes one feed to one region, for as long as this agent leads. It goes by states, not by
// history: after a pause of any length it sends every key that changed meanwhile once, as it is now.
type link struct {
	lead      *lead
	region    Region
	feed      string
	source    source
	transport *http.Transport
	log       *slog.Logger
	hurried   chan struct{} // capacity 1
	renewed   chan struct{} // capacity 1: the peer turned out to be restored

	mu     sync.Mutex // guards what is below
	status linkState
	told   replica.Context // the floor in the latest hello, if that said that the peer was restored
}

// A linkState is what a link reports.
type linkState struct {
	connected bool
	since     time.Time // connected or not
	address   string
	err       error
	lag       time.Duration // of the latest acknowledgement
	lagAt     time.Time     // when that came
	acked     int64
	sent      int64
	inFlight  int
	applied   uint64
	full      uint64
	equal     bool
	equalAt   time.Time // when equal became what it is
	compared  uint64
	wanted    uint64 // entries that a comparison found to differ, and that were sent again
	started   time.Time
}

func newLink(l *lead, r Region, feed string, transport *http.Transport) *link {
	k := &link{
		lead: l, region: r, feed: feed, transport: transport, source: recordSource{l.store},
		log:     l.log.With(slog.String("peer", r.Name), slog.String("feed", feed)),
		hurried: make(chan struct{}, 1),
		renewed: make(chan struct{}, 1),
	}
	if feed == instancesFeed {
		k.source = l.services
	}
	k.status.since, k.status.started = time.Now(), time.Now()
	return k
}

func (k *link) hurry() {
	select {
	case k.hurried <- struct{}{}:
	default:
	}
}

// tell tells whether the peer has to be told that it was restored, and notes that it is.
func (k *link) tell() bool {
	restored := k.lead.agent.isRestored(k.region.Name)
	s := k.lead.store
	s.mu.Lock()
	floor := s.floor.value.Clone()
	s.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = nil
	if restored {
		k.told = floor
	}
	return restored
}

// renew begins the link anew, unless it has already told the peer that it was restored.
func (k *link) renew(floor replica.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.told != nil && k.told.Includes(floor) {
		return
	}
	select {
	case k.renewed <- struct{}{}:
	default:
	}
}

// maxRelink is the longest pause between two attempts to connect to a peer: what it costs is one
// connection, and what it saves is staleness after a heal.
const maxRelink = time.Second

// run pushes until ctx ends, at the addresses of the region in turn.
func (k *link) run(ctx context.Context) {
	select {
	case <-k.source.ready():
	case <-ctx.Done():
		return
	}
	var pause pace.Backoff
	level := slog.LevelWarn // of the next failure: the first of several in a row is news
	for n := 0; ; n++ {
		address := k.region.Replication[n%len(k.region.Replication)]
		resumed, err := k.pushUnlessPaused(ctx, address, func() {
			pause.Reset()
			level = slog.LevelWarn
			k.log.Info("linked", slog.String("address", address))
		})
		if ctx.Err() != nil {
			return
		}
		k.disconnected(address, err)
		k.log.Log(ctx, level, "not linked, trying again", slog.String("address", address), slog.Any("error", err))
		level = slog.LevelDebug
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.Code == RefusedLeader && (n+1)%len(k.region.Replication) != 0 {
			continue // the next address at once
		}
		if resumed {
			pause.Reset()
			continue
		}
		if !pace.Sleep(ctx, min(pause.Next(), maxRelink)) {
			return
		}
	}
}

func (k *link) disconnected(address string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.status.connected {
		k.status.connected, k.status.since = false, time.Now()
	}
	k.status.address, k.status.err, k.status.inFlight = address, err, 0
}

// push connects to an address and pushes until that fails. The error is not nil.
func (k *link) push(ctx context.Context, address string, linked func()) error {
	if k.lead.agent.opts.TLS == nil {
		if err := requireLoopback(address); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer func() {
		cancel(nil)
		running.Wait()
	}()
	scheme := "http"
	if k.lead.agent.opts.TLS != nil {
		scheme = "https"
	}
	body, to := io.Pipe()
	defer func() { _ = to.Close() }()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+"://"+address+pushPath+k.feed, body)
	if err != nil {
		return fmt.Errorf("replication: address %q of region %q: %w", address, k.region.Name, err)
	}
	select {
	case <-k.renewed: // it is about to be
	default:
	}
	hello, err := k.hello(ctx)
	if err != nil {
		return err
	}
	s := &session{link: k, ctx: ctx, cluster: hello.Cluster, to: newLines(to, nil), replies: make(chan reply, 16)}
	said := make(chan struct{})
	running.Go(func() { // the request's body is read only once the connection stands
		defer close(said)
		if err := s.to.send(message{Hello: hello}); err != nil {
			cancel(err)
		}
	})
	timer := time.AfterFunc(helloTimeout+dialTimeout, func() { cancel(errSilent) })
	defer timer.Stop()
	response, err := k.transport.RoundTrip(request)
	if err != nil {
		if reason := context.Cause(ctx); reason != nil {
			err = reason
		}
		return fmt.Errorf("replication: connect to region %q at %s: %w", k.region.Name, address, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("replication: region %q at %s answers %s: is that its replication address?", k.region.Name, address, response.Status)
	}
	from := newLineReader(response.Body)
	var first reply
	if err := from.next(&first); err != nil {
		return fmt.Errorf("replication: region %q at %s: %w", k.region.Name, address, err)
	}
	timer.Stop()
	switch {
	case first.Refusal != nil:
		return first.Refusal
	case first.Welcome == nil || first.Welcome.Region != k.region.Name:
		return &RegionError{Region: k.region.Name, Fault: fmt.Sprintf("%s is another region: correct the table of regions", address)}
	}
	<-said // since the peer answers it
	running.Go(func() { cancel(s.receive(from)) })
	k.mu.Lock()
	k.status.connected, k.status.since, k.status.address, k.status.err = true, time.Now(), address, nil
	k.mu.Unlock()
	linked()
	err = s.run(*first.Welcome)
	cancel(err)
	_ = to.CloseWithError(io.ErrUnexpectedEOF)
	if reason := context.Cause(ctx); reason != nil {
		err = reason
	}
	return err
}

var (
	errSilent   = errors.New("no answer in time")
	errForgot   = errors.New("replication: the removals since have been forgotten, everything is sent again")
	errSkewed   = errors.New("replication: the region's etcd went back, everything is sent again")
	errRestored = errors.New("replication: the peer's etcd was restored, everything is sent again")
	errFinished = errors.New("replication: the peer ended the stream")
)

// hello introduces this region. The head is asked of etcd, so that the peer can tell an etcd
// that was restored from one that is behind.
func (k *link) hello(ctx context.Context) (*hello, error) {
	s := k.lead.store
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	got, err := s.client.Get(ctx, s.prefix+memberKey, clientv3.WithCountOnly())
	if err != nil {
		return nil, fmt.Errorf("replication: ask the region's own etcd: %w", err)
	}
	restored := k.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	return &hello{
		Sessions: s.sessions.value, Restored: restored,
		From: s.region, Region: k.lead.self(), Cluster: clusterText(got.Header.GetClusterId()), Session: k.lead.session, Term: k.lead.term,
		Head: got.Header.GetRevision(), Known: s.known(), Floor: s.floor.value,
	}, nil
}

// staleLag is after how many heartbeats the latest acknowledgement says nothing any more: a feed
// that is quiet after a partition would tell of the partition until the next change.
const staleLag = 3

// lag is how far the peer is behind. It grows for as long as something is not acknowledged.
func (k *link) lag() time.Duration {
	k.mu.Lock()
	acked, lag, started := k.status.acked, k.status.lag, k.status.started
	if time.Since(k.status.lagAt) > staleLag*k.lead.agent.opts.Heartbeat {
		lag = 0
	}
	k.mu.Unlock()
	if at, ok := k.source.seen(acked); ok {
		if acked == 0 && at.Before(started) { // a new peer is not behind by what was before it
			at = started
		}
		lag = time.Since(at)
	}
	return max(lag, k.lead.beatLag())
}
