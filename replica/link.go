package replica

import "time"

// A LinkStatus is how the replication from one region to another stands, as one of the two sees it.
// The counts only grow, but start again when another process takes over.
type LinkStatus struct {
	From, To  string
	Incoming  bool // seen by To
	Connected bool

	// Seen by From, and zero otherwise.
	Lag       time.Duration // between a write and its acknowledgement, on From's clock; grows while there is none
	Pending   int           // keys not acknowledged
	InFlight  int           // bytes not acknowledged
	Sent      uint64        // keys acknowledged
	FullSyncs uint64
	Digests   uint64 // comparisons of everything
	Equal     bool   // in the latest of them

	// Seen by To, and zero otherwise.
	HeartbeatAge time.Duration // since From's latest heartbeat came
	Applied      uint64        // keys changed
	Conflicts    uint64        // concurrent writes that lost
	Refused      uint64        // streams ended because of what came

	Repairs uint64 // keys that a comparison found to differ
}

// Linked is what replicates, and tells how it stands. It is safe for concurrent use.
type Linked interface {
	// Links returns the links of the region in both directions, and none in a process that
	// leaves replication to another one of the same region.
	Links() []LinkStatus
}
