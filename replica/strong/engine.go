package strong

import (
	"context"
	"time"
)

// A Version numbers the states of a store. It grows with every write. 0 is that of a key
// that is not there.
type Version int64

// An Entry is one key and what it holds.
type Entry struct {
	Key     string
	Value   []byte  // shared by all readers, not to be modified
	Version Version // of the write that put it there
}

// A Change is what a write did: it put the entry there, or removed its key.
type Change struct {
	Entry

	Removed bool // Value is nil, and Version that of the removal
}

// A Write is one write.
type Write struct {
	Key    string
	Value  []byte
	Remove bool // the key, instead of putting the value there

	Guarded bool    // only if the key's version is Expect
	Expect  Version // 0: only if the key is not there
}

// An Engine is the consensus behind a [Store]. Implementations are safe for concurrent use.
type Engine interface {
	// Get reads one key. The read is linearizable. When no quorum answers the error is a
	// [*NoQuorumError].
	Get(ctx context.Context, key string) (entry Entry, found bool, err error)

	// List reads all keys that start with prefix at one version, which it gives, sorted by
	// key. The read is linearizable. When no quorum answers the error is a [*NoQuorumError].
	List(ctx context.Context, prefix string) ([]Entry, Version, error)

	// Write makes one write and gives its version. When it returns nil a quorum has the
	// write. When the guard does not hold it changes nothing, and the error is a
	// [*ConflictError]. When it cannot be told whether the write was made or will be, the error
	// is an [*InDoubtError], and any other error says that it was not and will not be. Removing
	// a key that is not there is no write; the version is then that of the store.
	Write(ctx context.Context, w Write) (Version, error)

	// Watch tells the sink what the store holds until ctx ends, and then returns the cause.
	// It tries for ever. It calls the sink from one goroutine, as the methods of [Sink] say,
	// and tells it regularly that it is fresh; a value from ask is a request to do so at
	// once. Two watches at the same time are allowed.
	Watch(ctx context.Context, ask <-chan struct{}, sink Sink) error
}

// A Sink is told what the store holds.
type Sink interface {
	// Sync replaces everything: these are all entries at a version, sorted by key.
	Sync(version Version, entries []Entry)

	// Apply tells all that happened since, in the order of versions, up to and including
	// the version. All changes of one version come in one call.
	Apply(version Version, changes []Change)

	// Fresh tells that everything that was acknowledged to anybody before asked was read
	// from this process's clock has been told, by Sync and Apply. Contact was found if it
	// had been lost.
	Fresh(asked time.Time, version Version)

	// Lost tells that contact to the quorum was lost, and why. It may be told again.
	Lost(err error)
}
