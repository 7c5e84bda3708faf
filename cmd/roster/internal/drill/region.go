package drill

import (
	"context"
	"time"
)

// Namespace is that of the probe records. Nobody else writes there.
const Namespace = "roster-drill"

// A Region is a region as a drill reaches it. Methods may be called from several goroutines.
type Region interface {
	// Name of the region.
	Name() string
	// Standing tells how the region stands. It answers while the region plays dead as well.
	Standing(ctx context.Context) (Standing, error)
	// Write writes a probe record, as a client of the region would: a region that plays dead
	// refuses. Nil means that the write is acknowledged.
	Write(ctx context.Context, key, value string) error
	// Read reads a probe record, as a client would. That it is not there is no error.
	Read(ctx context.Context, key string) error
	// Held returns all probe records that the region has, whether it plays dead or not.
	Held(ctx context.Context) (map[string]string, error)
	// Fail has the region play dead from now on, until the order's time is over.
	Fail(ctx context.Context, order Order) (Failed, error)
	// End ends that early. A drill of another id, or none, is no error.
	End(ctx context.Context, id string) error
	// Clean deletes all probe records, and returns how many there were.
	Clean(ctx context.Context) (int, error)
}

// An Order has a region play dead.
type Order struct {
	ID string `json:"id"` // of the drill
	By string `json:"by"` // the region that runs it
	// For is how long, on the region's own monotonic clock; MinFor to MaxFor.
	For time.Duration `json:"for"`
	// Strand are the keys of probe records that the region writes and acknowledges after it has
	// stopped to replicate and before it refuses: what a region takes along when it dies.
	Strand []string `json:"strand,omitempty"`
}

// Bounds of [Order] For: long enough to be seen, and short enough to be sat out.
const (
	MinFor = time.Second
	MaxFor = 10 * time.Minute
)

// Failed is the answer to an [Order].
type Failed struct {
	// Stranded are those of the keys that were written and acknowledged. The value of each is
	// its key.
	Stranded []string `json:"stranded"`
}

// A Standing tells how a region stands.
type Standing struct {
	Region string `json:"region"`
	// Drilled is the drill in which it plays dead, or nil.
	Drilled *Playing `json:"drilled,omitempty"`
	// Running is the drill that it runs for another one, or empty.
	Running string `json:"running,omitempty"`
	// Peers are the regions that it replicates to.
	Peers []Peer `json:"peers"`
}

// Playing is what a region says that plays dead.
type Playing struct {
	ID         string `json:"id"`
	By         string `json:"by"`
	LeftMillis int64  `json:"left_ms"`
}

// A Peer is a region to which another one replicates.
type Peer struct {
	Region    string `json:"region"`
	Connected bool   `json:"connected"`
	LagMillis int64  `json:"lag_ms"`
	Pending   int    `json:"pending"` // keys that it has not acknowledged
	Problem   string `json:"problem,omitempty"`
}

// An Exercise is what else is rehearsed while the region is down, such as the fail-over of a
// namespace that lives there.
type Exercise struct {
	Name string
	// Down runs when the region plays dead, and Back when it is back and all have converged. Each
	// returns a sentence for the report. Either may be nil. An error makes the drill a failure,
	// and does not end it.
	Down, Back func(ctx context.Context) (string, error)
}
