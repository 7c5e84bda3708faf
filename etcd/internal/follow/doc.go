// Package follow keeps a copy of what is under a prefix of an etcd up to date: it reads
// everything at one revision, follows the changes from the next, and finds out when it is
// behind. The documentation of package etcd says how, under "The watch".
package follow

import (
	"log/slog"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A Sink is told what is under the prefix. The calls come one after the other, with the
// guarantees of a [discovery.Sink], of which this is the form for keys and values.
type Sink interface {
	// Sync replaces everything: all is the complete content at revision.
	Sync(revision int64, all []*mvccpb.KeyValue)
	// Apply adds the events of whole revisions, up to and including revision.
	Apply(revision int64, events []*clientv3.Event)
	// Stale reports lost contact and why.
	Stale(err error)
	// Fresh reports contact: everything up to revision, which is all that there was when
	// the store was asked, has been delivered.
	Fresh(revision int64, asked time.Time)
}

// A Meter counts what a watch does. The watch calls it from its own goroutine.
type Meter interface {
	Asked(at time.Time)     // for the latest revision
	Confirmed(at time.Time) // what was asked for at that time has been delivered
	Lost()                  // contact was lost
	Found(resumed bool)     // the store answers: with a full read, or by the proof that the watch can continue
	Restored()              // the store turned out to be another
	Relisted()              // everything was read again to make sure
	Ended()                 // nobody watches any more
}

// A Watch is what to follow, and how.
type Watch struct {
	Client    *clientv3.Client
	Prefix    string
	Identity  string            // the key whose random value tells this store from another
	Heartbeat time.Duration     // how often the store is asked for its latest revision
	Relist    time.Duration     // how often everything is read again to make sure; never if negative
	Ask       <-chan struct{}   // asks for the latest revision at once; may be nil
	Lost      func(error) error // says it in the words of the caller; nil for as it is
	Logger    *slog.Logger      // not nil
	Meter     Meter             // nil counts nothing
}

// unmetered counts nothing.
type unmetered struct{}

func (unmetered) Asked(time.Time)     {}
func (unmetered) Confirmed(time.Time) {}
func (unmetered) Lost()               {}
func (unmetered) Found(bool)          {}
func (unmetered) Restored()           {}
func (unmetered) Relisted()           {}
func (unmetered) Ended()              {}
