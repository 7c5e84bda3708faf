package replication

import (
	"slices"
	"strings"
	"time"

	"github.com/roster-go/roster/replica"
)

// A Status tells how an agent stands.
type Status struct {
	Region    string
	Leader    bool   // this agent replicates; the rest is empty otherwise
	Damaged   uint64 // values of the region's own etcd that are none, each time they were read
	Conflicts uint64 // writes that lost against concurrent ones when this process merged them
	Peers     []PeerStatus
	Origins   []OriginStatus
}

// A PeerStatus tells how far a peer is behind this region.
type PeerStatus struct {
	To            string
	Address       string // that is used, or was tried last
	Connected     bool   // both feeds are
	Since         time.Time
	LastError     error         // why it is not connected
	Lag           time.Duration // between a write here and its acknowledgement by the peer, on this process's clock; grows while there is none
	Pending       int           // keys that the peer has not acknowledged
	BytesInFlight int
	Applied       uint64 // keys acknowledged
	FullSyncs     uint64
	Repairs       uint64    // keys that a comparison found to differ, and that were sent again
	DigestEqual   bool      // in the latest comparison
	DigestSince   time.Time // of what DigestEqual says; zero before the first comparison
	Digests       uint64    // comparisons
}

// An OriginStatus tells how this region stands with what another one sends.
type OriginStatus struct {
	From         string
	Connected    bool
	HeartbeatAge time.Duration // since the latest heartbeat came, or since the agent leads
	Staleness    time.Duration // everything that was written there that long ago is here; negative if not known
	Applied      uint64        // keys that were changed by it
	Conflicts    uint64        // concurrent writes that lost
	Repairs      uint64        // keys that a comparison put right here
	Swept        uint64        // keys removed because all others had forgotten their deletion
	Refused      uint64        // streams ended because of what came
}

// beatAge is how long ago the latest heartbeat came.
func (o *origin) beatAge() time.Duration { return time.Since(o.beatAt) }

// Status returns how the agent stands.
func (a *Agent) Status() Status {
	a.mu.Lock()
	l := a.lead
	var origins []OriginStatus
	if l != nil {
		for region, o := range a.origins {
			staleness := time.Duration(-1)
			if !o.confirmed.IsZero() {
				staleness = time.Since(o.confirmed)
			}
			origins = append(origins, OriginStatus{
				From: region, Connected: o.connected, HeartbeatAge: o.beatAge(), Staleness: staleness,
				Applied: o.applied, Conflicts: o.conflicts, Repairs: o.repairs, Swept: o.swept, Refused: o.refused,
			})
		}
	}
	a.mu.Unlock()
	status := Status{
		Region: a.store.region, Leader: l != nil, Origins: origins,
		Damaged: a.store.damaged.Load(), Conflicts: a.store.conflicts.Load(),
	}
	slices.SortFunc(status.Origins, func(a, b OriginStatus) int { return strings.Compare(a.From, b.From) })
	if l == nil {
		return status
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, links := range l.links {
		status.Peers = append(status.Peers, links.statusOf(name))
	}
	slices.SortFunc(status.Peers, func(a, b PeerStatus) int { return strings.Compare(a.To, b.To) })
	return status
}

// statusOf adds up the feeds.
func (p *peerLinks) statusOf(name string) PeerStatus {
	peer := PeerStatus{To: name, Connected: true}
	for _, k := range p.links {
		peer.Lag = max(peer.Lag, k.lag())
		k.mu.Lock()
		s := k.status
		k.mu.Unlock()
		peer.Pending += k.source.pending(s.acked)
		peer.BytesInFlight += s.inFlight
		peer.Applied += s.applied
		peer.FullSyncs += s.full
		if !s.connected {
			peer.Connected = false
			if peer.LastError == nil {
				peer.LastError = s.err
			}
		}
		if s.since.After(peer.Since) {
			peer.Since = s.since
		}
		if k.feed == recordsFeed {
			peer.Address = s.address
			peer.DigestEqual, peer.DigestSince, peer.Digests, peer.Repairs = s.equal, s.equalAt, s.compared, s.wanted
		}
	}
	return peer
}

// Links implements [replica.Linked], for telemetry.
func (a *Agent) Links() []replica.LinkStatus {
	status := a.Status()
	links := make([]replica.LinkStatus, 0, len(status.Peers)+len(status.Origins))
	for _, p := range status.Peers {
		links = append(links, replica.LinkStatus{
			From: status.Region, To: p.To, Connected: p.Connected, Lag: p.Lag, Pending: p.Pending, InFlight: p.BytesInFlight,
			Sent: p.Applied, FullSyncs: p.FullSyncs, Digests: p.Digests, Equal: p.DigestEqual, Repairs: p.Repairs,
		})
	}
	for _, o := range status.Origins {
		links = append(links, replica.LinkStatus{
			From: o.From, To: status.Region, Incoming: true, Connected: o.Connected, HeartbeatAge: o.HeartbeatAge,
			Applied: o.Applied, Conflicts: o.Conflicts, Repairs: o.Repairs, Refused: o.Refused,
		})
	}
	return links
}

var _ replica.Linked = (*Agent)(nil)
