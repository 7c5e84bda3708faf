package replication

import (
	"bytes"

	"github.com/roster-go/roster/replica"
)

// A Record is what a reader sees of a replicated entry. It is immutable and shared: its value
// must not be modified.
type Record struct {
	Key       string
	Value     []byte
	Version   int64  // of this region's etcd, for conditional writes here; it means nothing elsewhere
	Region    string // whose write this is
	Time      uint64 // Lamport time of the write
	Conflicts int    // how many concurrent writes lost against it; see [Store.Conflicts]
}

// A stored is an entry as the region's etcd has it, deleted ones as well.
type stored struct {
	entry    replica.Entry
	raw      []byte // its JSON
	revision int64  // of the last change, 0 if it is not there
}

// record returns what readers see of it.
func (s stored) record() (*Record, bool) {
	winner, ok := s.entry.Winner()
	if !ok || winner.Deleted {
		return nil, false
	}
	return &Record{
		Key: s.entry.Key, Value: winner.Value, Version: s.revision,
		Region: replica.RegionOf(winner.Dot.Region), Time: winner.Time, Conflicts: len(s.entry.Writes) - 1,
	}, true
}

// ofRegion tells whether the region itself wrote one of the entry's writes.
func (s stored) ofRegion(region string) bool {
	for _, w := range s.entry.Writes {
		if replica.RegionOf(w.Dot.Region) == region {
			return true
		}
	}
	return false
}

// same tells whether readers see the same.
func (r *Record) same(other *Record) bool {
	return r.Key == other.Key && r.Version == other.Version && r.Region == other.Region && r.Time == other.Time &&
		r.Conflicts == other.Conflicts && bytes.Equal(r.Value, other.Value)
}
