package kill

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/roster-go/roster"
)

// A KilledError is why a registry does not give an entry out. It is inside of the
// [roster.SuspendedError] of the lookup.
type KilledError struct{ Order Order }

func (e *KilledError) Error() string {
	by := ""
	if e.Order.By != "" {
		by = " by " + e.Order.By
	}
	return fmt.Sprintf("%s is killed%s (epoch %d): %s", e.Order.Target, by, e.Order.Epoch, cmp.Or(e.Order.Reason, "no reason was given"))
}

// Suspend keeps the registries of a directory in line with a switch: an entry that is
// killed, entry/REGISTRY/NAME, is suspended in every registry of that name, those that are
// made later included, and resumed when it is revived. See [roster.Directory.Suspend] for
// what that means to those who look it up or hold it. When [Switch.Apply] has returned, no
// lookup gives the entry out any more.
//
// After stop returns the directory does not follow any longer; what is suspended stays so.
func Suspend(s *Switch, d *roster.Directory) (stop func()) {
	return s.OnChange(func(now []Order) {
		for _, o := range now {
			switch {
			case o.Target.Kind != KindEntry:
			case o.Killed():
				d.Suspend(o.Target.Name, o.Target.Part, &KilledError{o})
			default:
				d.Resume(o.Target.Name, o.Target.Part)
			}
		}
	})
}

// CountEntries says what an entry's kill would hit in the registries of a directory: how
// many of them give the entry out, and the fewest entries that one of them has besides. It
// is for [RuntimeOptions]; other kinds of targets hit nothing.
func CountEntries(d *roster.Directory, t Target) Impact {
	var impact Impact
	if t.Kind != KindEntry {
		return impact
	}
	for _, r := range d.Registries() {
		if r.Name() != t.Name {
			continue
		}
		given := func(e roster.EntryInfo) bool { return e.Name == t.Part && e.Suspended == nil }
		if !slices.ContainsFunc(slices.Collect(r.Entries()), given) {
			continue
		}
		left := r.Len() - 1
		if impact.Providers == 0 || left < impact.Remaining {
			impact.Remaining = left
		}
		impact.Providers++
		impact.Names = append(impact.Names, t.String())
	}
	return impact
}
