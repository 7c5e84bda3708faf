package roster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Holder is a pin or a lease that is not released.
type Holder struct {
	Kind    string // "pin" or "lease"
	Name    string // what is leased; empty for a pin
	Version uint64 // what is pinned, or the version that brought the leased value
	Label   string // of the owner
	Site    Site   // the place that acquired it, or that made its owner

	// Superseded is when a later version took the place of the pinned one. It is
	// zero for a lease and while the version is current.
	Superseded time.Time
}

// String says who holds what.
func (h Holder) String() string {
	var b strings.Builder
	if h.Kind == holdsValue {
		fmt.Fprintf(&b, "lease of %q", h.Name)
	} else {
		fmt.Fprintf(&b, "pin of version %d", h.Version)
	}
	if h.Label != "" {
		fmt.Fprintf(&b, " for %s", printable(h.Label))
	}
	fmt.Fprintf(&b, " acquired at %s", h.Site)
	return b.String()
}

// printable is a label on one short line: it may come from outside.
func printable(label string) string {
	label = shortened(label)
	if strings.ContainsFunc(label, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(label)
	}
	return label
}

// compare puts holders of old versions first.
func (h Holder) compare(other Holder) int {
	return cmp.Or(
		cmp.Compare(h.Version, other.Version), cmp.Compare(h.Kind, other.Kind),
		cmp.Compare(h.Name, other.Name), cmp.Compare(h.Label, other.Label),
		cmp.Compare(h.Site.Line, other.Site.Line),
	)
}

const (
	holdsVersion = "pin"
	holdsValue   = "lease"
)

// Holders lists the pins and leases that are not released, those of the oldest
// versions first.
func (h *Hot[T]) Holders() []Holder {
	home := h.home()
	var list []Holder
	h.drain.pool.Load().each(func(hold *hold[T]) {
		if holder, ok := hold.holder(home); ok {
			list = append(list, holder)
		}
	})
	slices.SortStableFunc(list, Holder.compare)
	return list
}

func (h *hold[T]) holder(home string) (Holder, bool) {
	state := h.state.Load()
	version, lease, owner := h.version.Load(), h.lease.Load(), h.owner.Load()
	if state%2 == 0 || owner == nil || version == nil && lease == nil || h.state.Load() != state {
		return Holder{}, false
	}
	holder := Holder{Kind: holdsVersion, Label: owner.label, Site: owner.site.site(home)}
	if lease != nil {
		holder.Kind, holder.Name, holder.Version = holdsValue, lease.name, lease.e.version
		return holder, true
	}
	holder.Version = version.number
	if version.tenure.over.Load() {
		holder.Superseded = version.tenure.ended
	}
	return holder, true
}

// A StuckError reports values that were replaced or removed and are still not
// retired, and who holds them.
type StuckError struct {
	Registry string
	Values   int      // how many values wait
	Retiring string   // name of the value whose retire function has not returned, if one has not
	Holders  []Holder // those who hold the values that wait
	Err      error    // why waiting ended: the error of a context, or nil
}

// Error has a line for each of the first 20 holders.
func (e *StuckError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "roster: %s: ", e.Registry)
	switch {
	case e.Values > 0:
		values := "1 value is"
		if e.Values > 1 {
			values = fmt.Sprintf("%d values are", e.Values)
		}
		b.WriteString(values + " replaced or removed but still held; release these")
	default:
		fmt.Fprintf(&b, "the function that retires %q has not returned", e.Retiring)
	}
	const shown = 20
	for _, h := range e.Holders[:min(len(e.Holders), shown)] {
		b.WriteString("\n\t" + h.String())
	}
	if more := len(e.Holders) - shown; more > 0 {
		fmt.Fprintf(&b, "\n\tand %d more", more)
	}
	return b.String()
}

// Unwrap returns why waiting ended.
func (e *StuckError) Unwrap() error { return e.Err }

// stuck reports what waits of the values that were gone in version upTo, or
// returns nil if nothing does.
func (d *drain[T]) stuck(upTo uint64) *StuckError {
	d.mu.Lock()
	e := &StuckError{Registry: d.h.name, Retiring: d.retiring}
	if e.Retiring == "" && len(d.queue) > 0 {
		e.Retiring = d.queue[0].name
	}
	waiting := slices.DeleteFunc(slices.Clone(d.graves), func(g grave[T]) bool { return g.died > upTo })
	d.mu.Unlock()
	e.Values = len(waiting)
	if e.Values == 0 && e.Retiring == "" {
		return nil
	}
	home := d.h.home()
	d.pool.Load().each(func(hold *hold[T]) {
		holder, ok := hold.holder(home)
		if !ok {
			return
		}
		l := hold.lease.Load()
		if slices.ContainsFunc(waiting, func(g grave[T]) bool {
			if holder.Kind == holdsValue {
				return l != nil && l.e == g.entry
			}
			return g.entry.version <= holder.Version && holder.Version < g.died
		}) {
			e.Holders = append(e.Holders, holder)
		}
	})
	slices.SortStableFunc(e.Holders, Holder.compare)
	return e
}

// A ValidationError reports that a validator refused what a registry would have
// become (see [Validate]).
type ValidationError struct {
	Registry string
	Err      error // what the validator said
	Site     Site  // who wrote
}

func (e *ValidationError) Error() string {
	return fmt.Sprintf("roster: %s: refused, nothing changed: %v (at %s)", e.Registry, e.Err, e.Site)
}

// Unwrap returns what the validator said.
func (e *ValidationError) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrRefused) true.
func (e *ValidationError) Is(target error) bool { return target == ErrRefused }

// ErrRefused is what every [ValidationError] is, for errors.Is.
var ErrRefused = errors.New("refused by a validator")
