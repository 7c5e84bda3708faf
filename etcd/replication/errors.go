package replication

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors for errors.Is.
var (
	ErrStale   = errors.New("too stale")          // what every [*StaleError] is
	ErrVersion = errors.New("unexpected version") // what every [*VersionError] is
	ErrClosed  = errors.New("replication: the store is closed")
)

// A KeyError reports a key that a record cannot have.
type KeyError struct {
	Key string
	Err error
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("replication: key %q: choose another: %v", shorten(e.Key), e.Err)
}

// Unwrap returns what is wrong.
func (e *KeyError) Unwrap() error { return e.Err }

// A ValueError reports a value that is too large.
type ValueError struct {
	Key   string
	Size  int
	Limit int
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("replication: the value of %q has %d bytes, the limit is %d: store it elsewhere and replicate where", shorten(e.Key), e.Size, e.Limit)
}

// An EntryError reports an entry that breaks the rules, stored by hand or sent by a peer.
type EntryError struct {
	Key string
	Err error
}

func (e *EntryError) Error() string {
	return fmt.Sprintf("replication: the entry %q is damaged, write the record again: %v", shorten(e.Key), e.Err)
}

// Unwrap returns what is wrong.
func (e *EntryError) Unwrap() error { return e.Err }

// A VersionError reports a conditional write whose record is at another version than expected.
// Read the record again and decide anew.
type VersionError struct {
	Key  string
	Want int64
	Have int64 // 0 if there is no such record
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("replication: %q is at version %d, not %d: read it again and repeat the change", shorten(e.Key), e.Have, e.Want)
}

// Is makes errors.Is(err, ErrVersion) true.
func (e *VersionError) Is(target error) bool { return target == ErrVersion }

// A StaleError refuses a bounded-staleness read.
type StaleError struct {
	Region    string        // the region whose writes may be missing; this one if its own etcd is out of contact
	Staleness time.Duration // how old what is here may be; negative if nothing is known yet
	Bound     time.Duration
}

func (e *StaleError) Error() string {
	if e.Staleness < 0 {
		return fmt.Sprintf("replication: it is not known yet how far this region is behind %q: wait for a heartbeat, or read without a bound", e.Region)
	}
	return fmt.Sprintf("replication: this region is %v behind %q, the bound is %v: check the link, or read without a bound",
		e.Staleness.Round(time.Millisecond), e.Region, e.Bound)
}

// Is makes errors.Is(err, ErrStale) true.
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// A RegionError reports that a store, a peer or a setting belongs to another region.
type RegionError struct {
	Region string
	Fault  string // a clause that says what to do
}

func (e *RegionError) Error() string {
	return fmt.Sprintf("replication: region %q: %s", e.Region, e.Fault)
}

// A Refusal is what a peer region answered instead of going on.
type Refusal struct { //nolint:errname // the name of what the peer says; it is an error here
	Region string `json:"region"` // who refuses
	Code   string `json:"code"`   // one of the Refused constants
	Text   string `json:"text"`
}

// Codes of a [Refusal].
const (
	RefusedLeader  = "leader"  // another daemon of that region replicates: try its other addresses
	RefusedRetired = "retired" // the region was retired: add it again first
	RefusedStale   = "stale"   // the region was away for too long: it has to be synced before it may push
	RefusedName    = "name"    // the certificate is of another region than the message
	RefusedData    = "data"    // the message breaks the rules
	RefusedPaused  = "paused"  // replication is paused there, by [Agent.Pause]
	RefusedBusy    = "busy"    // another stream of the same region took over, or the region's etcd does not answer
)

func (r *Refusal) Error() string {
	return fmt.Sprintf("replication: region %q refuses (%s): %s", r.Region, r.Code, r.Text)
}

func shorten(text string) string {
	const shown = 64 // enough to recognise what is too long
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return text
}
