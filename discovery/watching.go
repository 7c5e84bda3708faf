package discovery

import "time"

// A WatchStatus tells how a [Source] stands with its store. The counts only grow.
type WatchStatus struct {
	Contact    bool          // in contact with the store now, as far as is known
	Lag        time.Duration // how far what was delivered is behind the store, see below
	Reconnects uint64        // how often contact was lost and found again
	Resumes    uint64        // of these, how often the watch continued where it was
	Resyncs    uint64        // full reads after the first one
	Relists    uint64        // of these, how often only to make sure that the watch missed nothing
	Repairs    uint64        // instances that such a read found to differ although contact had not been lost
	Restores   uint64        // how often the store turned out to be restored or replaced
	Skipped    uint64        // values read that are no instances, each time they were read
}

// A Watched is a [Source] that tells how it stands. Its Lag is measured on one clock, that
// of the reading process: the source asks the store for its latest revision and takes the
// time until that revision has been delivered. While the answer or the delivery is
// pending, the lag is the time since the question, so that it grows without a bound for as
// long as there is no contact.
type Watched interface {
	Source
	WatchStatus() WatchStatus
}
