package replication

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/follow"
	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica"
)

// A lead is an agent's time as the leader of its region.
type lead struct {
	agent   *Agent
	store   *Store
	log     *slog.Logger
	key     string // of the election; the leader's transactions are void without it
	term    int64  // the revision that created it
	session string

	services *services
	running  sync.WaitGroup

	beating   atomic.Uint64 // the number of the latest heartbeat whose writing has begun
	beatBegan atomic.Int64  // nanoseconds since begun, of the one that is under way; 0 if none is
	begun     time.Time

	mu    sync.Mutex // guards links
	links map[string]*peerLinks
}

// A peerLinks are the links to one region.
type peerLinks struct {
	region Region
	stop   context.CancelFunc
	links  []*link
}

// maxSessions is how many sessions of agents a region remembers, to recognise cursors of its own.
const maxSessions = 100

// run leads until ctx ends.
func (l *lead) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.begun = time.Now()
	if err := l.begin(ctx); err != nil {
		return err
	}
	l.services = newServices(l.store, l.log)
	a := l.agent
	a.mu.Lock()
	a.lead = l
	a.origins = make(map[string]*origin)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.lead = nil
		a.mu.Unlock()
		cancel(nil)
		a.closeStreams()
		l.running.Wait()
	}()
	l.running.Go(func() { l.services.run(ctx) })
	l.running.Go(func() { l.beat(ctx) })
	l.running.Go(func() { l.collect(ctx) })
	return l.reconcile(ctx)
}

// begin writes down that the session exists.
func (l *lead) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	s := l.store
	follow.Identify(ctx, s.client, s.prefix+identityKey, l.log)
	for {
		got, err := s.client.Get(ctx, s.prefix+sessionsKey)
		if err != nil {
			return fmt.Errorf("read the sessions: %w", err)
		}
		var known versioned[[]string]
		for _, kv := range got.Kvs {
			take(s, sessionsKey, &known, kv.GetValue(), kv.GetModRevision())
		}
		list := append(slices.Clone(known.value), l.session)
		if len(list) > maxSessions {
			list = list[len(list)-maxSessions:]
		}
		response, err := s.client.Txn(ctx).
			If(l.leads(), modified(s.prefix+sessionsKey, known.revision)).
			Then(clientv3.OpPut(s.prefix+sessionsKey, encode(list))).Commit()
		if err != nil {
			return fmt.Errorf("write the session: %w", err)
		}
		if response.Succeeded {
			return nil
		}
		if len(got.Kvs) == 0 && known.revision == 0 {
			if check, err := s.client.Get(ctx, l.key); err == nil && len(check.Kvs) == 0 {
				return errDeposed
			}
		}
	}
}

func clusterText(id uint64) string { return strconv.FormatUint(id, 16) }

// leads is the comparison that makes a transaction void when another agent leads.
func (l *lead) leads() clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(l.key), "=", l.term)
}

// reconcile keeps a link to every region of the table.
func (l *lead) reconcile(ctx context.Context) error {
	defer l.stopLinks()
	ticks := time.NewTicker(l.agent.opts.Heartbeat)
	defer ticks.Stop()
	for {
		l.store.mu.Lock()
		changed := l.store.rows
		l.store.mu.Unlock()
		regions := l.store.regions()
		l.introduce(ctx, regions)
		l.link(ctx, regions)
		l.retire(ctx, regions)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticks.C: // also to try again what failed
		case <-changed:
		}
	}
}

// introduce keeps the region's own row of the table as it should be.
func (l *lead) introduce(ctx context.Context, regions []Region) {
	own := l.self()
	for _, r := range regions {
		if r.Name == own.Name && (r.Retired || equalRegions(r, own)) {
			return
		}
	}
	if err := l.store.Regions().put(ctx, own); err != nil && ctx.Err() == nil {
		l.log.Debug("the region is not in the table of regions yet", slog.Any("error", err))
	}
}

// self is the region's own row of the table.
func (l *lead) self() Region {
	return Region{Name: l.store.region, Replication: l.agent.opts.Advertise, Control: l.agent.opts.Control}
}

// link starts and ends links as the table says.
func (l *lead) link(ctx context.Context, regions []Region) {
	wanted := make(map[string]Region, len(regions))
	for _, r := range regions {
		if r.Name != l.store.region && !r.Retired && len(r.Replication) > 0 {
			wanted[r.Name] = r
		}
	}
	l.mu.Lock()
	var ended []*peerLinks
	for name, links := range l.links {
		if r, ok := wanted[name]; !ok || !slices.Equal(r.Replication, links.region.Replication) {
			ended = append(ended, links)
			delete(l.links, name)
		}
	}
	for name, r := range wanted {
		if l.links[name] == nil {
			l.links[name] = l.startLinks(ctx, r)
		}
	}
	l.mu.Unlock()
	for _, links := range ended {
		links.stop()
	}
}

func (l *lead) startLinks(ctx context.Context, r Region) *peerLinks {
	ctx, stop := context.WithCancel(ctx)
	links := &peerLinks{region: r, stop: stop}
	transport := newTransport(l.agent.opts.TLS, r.Name, l.agent.opts.Dial)
	var open sync.WaitGroup
	for _, feed := range []string{recordsFeed, instancesFeed} {
		k := newLink(l, r, feed, transport)
		links.links = append(links.links, k)
		open.Add(1)
		l.running.Go(func() { defer open.Done(); k.run(ctx) })
	}
	l.running.Go(func() { open.Wait(); transport.CloseIdleConnections() })
	return links
}

func (l *lead) stopLinks() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, links := range l.links {
		links.stop()
	}
}

// retire removes what there is of the instances of retired regions.
func (l *lead) retire(ctx context.Context, regions []Region) {
	for _, r := range regions {
		if !r.Retired {
			continue
		}
		l.agent.closeStreamsOf(r.Name)
		l.store.mu.Lock()
		_, mirrored := l.store.cursors[r.Name+"/"+instancesFeed]
		l.store.mu.Unlock()
		if !mirrored {
			continue
		}
		s := l.store
		requesting, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
		_, err := s.client.Txn(requesting).If(l.leads()).Then(
			clientv3.OpDelete(s.prefix+mirrorsDir+r.Name+"/", clientv3.WithPrefix()),
			clientv3.OpDelete(s.prefix+cursorsDir+r.Name+"/"+instancesFeed),
		).Commit()
		cancel()
		if err != nil {
			l.log.Debug("the instances of a retired region are still there", slog.String("peer", r.Name), slog.Any("error", err))
		}
	}
}

// beat writes heartbeats until ctx ends.
func (l *lead) beat(ctx context.Context) {
	ticks := time.NewTicker(l.agent.opts.Heartbeat)
	defer ticks.Stop()
	l.store.mu.Lock()
	l.beating.Store(l.store.state.heartbeat.value.Beat)
	l.store.mu.Unlock()
	for {
		if err := l.beatOnce(ctx); err != nil && ctx.Err() == nil {
			l.log.Debug("no heartbeat could be written", slog.Any("error", err))
		}
		l.watchOrigins(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (l *lead) beatOnce(ctx context.Context) error {
	s := l.store
	h := heartbeat{Beat: l.beating.Add(1), Fresh: l.agent.freshness()}
	l.beatBegan.CompareAndSwap(0, int64(time.Since(l.begun))|1)
	s.mu.Lock()
	h.Known = s.known()
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	response, err := s.client.Txn(ctx).If(l.leads()).Then(clientv3.OpPut(s.prefix+heartbeatKey, encode(h))).Commit()
	if err != nil {
		return fmt.Errorf("write the heartbeat: %w", err)
	}
	if !response.Succeeded {
		return errDeposed
	}
	l.beatBegan.Store(0)
	return nil
}

// beatLag is for how long the region's etcd has not taken a heartbeat.
func (l *lead) beatLag() time.Duration {
	if began := l.beatBegan.Load(); began != 0 {
		return time.Since(l.begun) - time.Duration(began)
	}
	return 0
}

// hurry asks for a comparison with a peer as soon as possible.
func (l *lead) hurry(region string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if links := l.links[region]; links != nil {
		for _, k := range links.links {
			k.hurry()
		}
	}
}

// membersKnow tells whether every region of the table is known to know everything in a context.
func (l *lead) membersKnow(what replica.Context) bool {
	s := l.store
	s.mu.Lock()
	own := s.known()
	s.mu.Unlock()
	if !own.Includes(what) {
		return false
	}
	l.agent.mu.Lock()
	origins := maps.Clone(l.agent.origins)
	l.agent.mu.Unlock()
	for _, r := range s.peers() {
		o := origins[r.Name]
		if o == nil || !o.knows(what) {
			return false
		}
	}
	return true
}
