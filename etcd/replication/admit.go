package replication

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/roster-go/roster/replica"
)

// admit decides whether the peer may push.
func (s *stream) admit(r *http.Request) error {
	a := s.agent
	if err := replica.ValidateRegion(s.from); err != nil {
		return &Refusal{Code: RefusedName, Text: err.Error()}
	}
	if r.TLS != nil {
		name, err := regionOfCertificate(r.TLS.PeerCertificates[0])
		if err != nil {
			return &Refusal{Code: RefusedName, Text: err.Error()}
		}
		if name != s.from {
			return &Refusal{Code: RefusedName, Text: fmt.Sprintf("the certificate is that of region %q, the message says %q", name, s.from)}
		}
	}
	if s.from == s.store.region {
		return &Refusal{Code: RefusedName, Text: "this is the same region: correct the table of regions"}
	}
	for _, what := range []replica.Context{s.hello.Known, s.hello.Floor} {
		if err := what.Validate(); err != nil {
			return &Refusal{Code: RefusedData, Text: err.Error()}
		}
	}
	s.log = a.log.With(slog.String("peer", s.from), slog.String("feed", s.feed))
	a.mu.Lock()
	s.lead = a.lead
	a.mu.Unlock()
	if s.lead == nil {
		return &Refusal{Code: RefusedLeader, Text: "another agent of this region replicates, or none yet"}
	}
	if err := s.checkRegion(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	return nil
}

// checkRegion compares the peer with the table of regions, and enters one that is new.
func (s *stream) checkRegion() error {
	known, ok := s.store.Regions().Get(s.from)
	switch {
	case ok && known.Retired:
		return &Refusal{Code: RefusedRetired, Text: "the region was retired: add it again first"}
	case !ok && len(s.hello.Region.Replication) > 0:
		region := s.hello.Region
		region.Name, region.Retired = s.from, false
		ctx, cancel := context.WithTimeout(s.ctx, helloTimeout)
		defer cancel()
		if err := s.store.Regions().put(ctx, region); err != nil {
			return err
		}
	}
	s.store.mu.Lock()
	floor, own := s.store.floor.value, s.store.known()
	s.store.mu.Unlock()
	switch {
	case s.hello.Known.Includes(floor), s.feed != recordsFeed:
	case !own.Includes(s.hello.Floor) && s.from < s.store.region:
		// Both were away for too long for the other. One has to begin, and what it sends is
		// sifted by what was collected here.
	default:
		return &Refusal{Code: RefusedStale, Text: "the region does not know of deletions that all others have forgotten: it may push once it has been synced"}
	}
	return nil
}

// enter takes the place of another stream of the same region and feed.
func (s *stream) enter() error {
	a, name := s.agent, s.from+"/"+s.feed
	for {
		a.mu.Lock()
		if paused := a.paused.clone(); paused != nil {
			a.mu.Unlock()
			return paused
		}
		old := a.streams[name]
		if old == nil {
			a.streams[name] = s
			a.origin(s.from).connected = true
			a.mu.Unlock()
			return nil
		}
		if old.hello.Cluster == s.hello.Cluster && old.hello.Term > s.hello.Term {
			a.mu.Unlock()
			return &Refusal{Code: RefusedBusy, Text: "a later agent of the same region pushes"}
		}
		a.mu.Unlock()
		old.cancel(errReplaced)
		select {
		case <-old.ended:
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
}

func (s *stream) leave() {
	s.agent.mu.Lock()
	defer s.agent.mu.Unlock()
	name := s.from + "/" + s.feed
	if s.agent.streams[name] == s {
		delete(s.agent.streams, name)
		if s.feed == recordsFeed {
			s.agent.origin(s.from).connected = false
		}
	}
}

// closeStreams ends all streams, and waits for them.
func (a *Agent) closeStreams() {
	for {
		a.mu.Lock()
		var one *stream
		for _, s := range a.streams {
			one = s
			break
		}
		a.mu.Unlock()
		if one == nil {
			return
		}
		one.cancel(errDeposed)
		<-one.ended
	}
}

func (a *Agent) closeStreamsOf(region string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.streams {
		if s.from == region {
			s.cancel(&Refusal{Code: RefusedRetired, Text: "the region was retired: add it again first"})
		}
	}
}
