package kill

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// Limits of an order, in bytes.
const (
	MaxReason = 512
	MaxBy     = 128
	MaxRegion = 128
)

// An Order kills a target or revives it. Of two orders for one target the one with the higher
// Epoch stands; at equal epochs a kill beats a revival; what is left is decided by a fixed
// order of the other fields, so that everybody decides alike.
type Order struct {
	Target  Target `json:"target"`
	Epoch   uint64 `json:"epoch"`
	Revived bool   `json:"revived,omitempty"`
	// Reason is why, for people; of at most MaxReason bytes, without control characters.
	Reason string `json:"reason"`
	// By is who ordered it, and Region where.
	By     string `json:"by,omitempty"`
	Region string `json:"region,omitempty"`
	// At is when it was ordered, by the clock of the hub that took it. It decides nothing,
	// unless all that is mentioned before it is equal.
	At time.Time `json:"at"`
}

// An OrderError reports an order that cannot be applied.
type OrderError struct {
	Order Order
	Why   string
}

func (e *OrderError) Error() string {
	return fmt.Sprintf("kill: the order for %s at epoch %d is refused: %s", e.Order.Target, e.Order.Epoch, e.Why)
}

// Validate reports, as a [*TargetError] or an [*OrderError], why o cannot be applied.
func (o Order) Validate() error {
	if err := o.Target.Validate(); err != nil {
		return err
	}
	fail := func(why string) error { return &OrderError{o, why} }
	switch year := o.At.UTC().Year(); {
	case o.Epoch == 0:
		return fail("its epoch is 0; epochs start at 1")
	case len(o.Reason) > MaxReason:
		return fail(fmt.Sprintf("its reason has more than %d bytes", MaxReason))
	case len(o.By) > MaxBy:
		return fail(fmt.Sprintf("its author has more than %d bytes", MaxBy))
	case len(o.Region) > MaxRegion:
		return fail(fmt.Sprintf("its region has more than %d bytes", MaxRegion))
	case !plain(o.Reason) || !plain(o.By) || !plain(o.Region):
		return fail("its reason, author or region has control characters or is not UTF-8")
	case year < 1 || year > 9999:
		return fail("its time is out of range")
	}
	return nil
}

// Killed reports whether the order, where it stands, keeps the target from being used.
func (o Order) Killed() bool { return !o.Revived }

// Compare returns a positive number if o stands against other, a negative one if other stands
// against o, and 0 if they are the same. It is a total order of the orders for one target.
func (o Order) Compare(other Order) int {
	return cmp.Or(
		cmp.Compare(o.Epoch, other.Epoch),
		compareBool(!o.Revived, !other.Revived),
		cmp.Compare(o.Reason, other.Reason),
		cmp.Compare(o.By, other.By),
		cmp.Compare(o.Region, other.Region),
		o.At.Compare(other.At),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// normal is o with a time that compares and encodes alike everywhere.
func (o Order) normal() Order {
	o.At = o.At.UTC().Round(0)
	return o
}

// digest is the SHA-256 of the canonical form: each text with its length before it, numbers of
// eight bytes, big-endian.
func (o Order) digest() [sha256.Size]byte {
	form := make([]byte, 0, 256)
	text := func(s string) {
		form = binary.BigEndian.AppendUint64(form, uint64(len(s)))
		form = append(form, s...)
	}
	text(o.Target.String())
	form = binary.BigEndian.AppendUint64(form, o.Epoch)
	if o.Revived {
		form = append(form, 1)
	} else {
		form = append(form, 0)
	}
	text(o.Reason)
	text(o.By)
	text(o.Region)
	form = binary.BigEndian.AppendUint64(form, uint64(o.At.Unix()))
	form = binary.BigEndian.AppendUint64(form, uint64(o.At.Nanosecond()))
	return sha256.Sum256(form)
}
