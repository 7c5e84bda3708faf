package move

import "fmt"

// A Mode is what a region does with a namespace in one epoch. In an epoch it goes forward only:
// from Import to Sealed to Open to Closed.
type Mode string

// The modes, in their order.
const (
	Import Mode = "import" // the copy of a move is written here; nothing else is
	Sealed Mode = "sealed" // the copy is complete, and is verified; nothing is written
	Open   Mode = "open"   // the region accepts writes, while it holds the lease of the epoch
	Closed Mode = "closed" // for good, in this epoch
)

func (m Mode) order() int {
	switch m {
	case Import:
		return 1
	case Sealed:
		return 2
	case Open:
		return 3
	case Closed:
		return 4
	}
	return 0
}

// A Guard is kept in each region's own store, one for each namespace, and every transaction on the
// namespace is conditional on it: an ordinary write on Open and the epoch of the home's lease, a
// copy on Import and the epoch of the move, a cleaning on Closed and its epoch. The zero Guard is
// that of a region that never had the namespace.
//
// Guards only grow, by epoch and then by mode, so a step that was sent long ago by somebody who
// since died, stalled or was cut off finds a higher guard and does nothing.
type Guard struct {
	Epoch uint64 `json:"epoch"`
	Mode  Mode   `json:"mode"`
}

func (g Guard) String() string { return fmt.Sprintf("%s at epoch %d", g.Mode, g.Epoch) }

// Compare orders guards by epoch, then by mode.
func (g Guard) Compare(other Guard) int {
	switch {
	case g.Epoch < other.Epoch, g.Epoch == other.Epoch && g.Mode.order() < other.Mode.order():
		return -1
	case g == other:
		return 0
	}
	return 1
}

// Raise returns the guard after it was set to to: the same again if it is that already, which
// makes setting it idempotent, and a [*GuardError] if it is higher. Read and write it in one
// transaction.
func (g Guard) Raise(to Guard) (Guard, error) {
	if to.Epoch == 0 || to.Mode.order() == 0 || g.Compare(to) > 0 {
		return g, &GuardError{Stands: g, Refused: to}
	}
	return to, nil
}

// A GuardError reports a step of a move that something newer has overtaken.
type GuardError struct {
	Stands  Guard // in the region
	Refused Guard // what the step wanted
}

func (e *GuardError) Error() string {
	return fmt.Sprintf("move: the region's guard is %v and cannot become %v: read the namespace's record again, it has moved on", e.Stands, e.Refused)
}
