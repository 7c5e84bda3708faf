package move

import (
	"fmt"
	"maps"
	"slices"
)

// Increment is the distance between the epochs of one region. Each region has a number of its
// own below it, and its epochs are that number plus multiples of Increment, so that an epoch alone
// tells its home and two regions can never claim the same one. This is how Temporal numbers the
// failovers of a global namespace.
const Increment = 100

// Numbers gives each region that can be a home its number, 1 to [Increment]-1. A number is never
// given to another region, not even after the first has gone.
type Numbers map[string]uint64

// Epoch returns the lowest epoch of region that is higher than after. The error is a
// [*RegionError].
func (n Numbers) Epoch(region string, after uint64) (uint64, error) {
	number := n[region]
	if number == 0 || number >= Increment {
		return 0, &RegionError{Region: region, Known: slices.Sorted(maps.Keys(n))}
	}
	epoch := after - after%Increment + number
	if epoch <= after {
		epoch += Increment
	}
	return epoch, nil
}

// Home returns the region whose epoch it is.
func (n Numbers) Home(epoch uint64) (region string, ok bool) {
	for region, number := range n {
		if number == epoch%Increment {
			return region, true
		}
	}
	return "", false
}

// A RegionError reports a region that cannot be a home.
type RegionError struct {
	Region string
	Known  []string // the regions that can
}

func (e *RegionError) Error() string {
	return fmt.Sprintf("move: region %q has no number from 1 to %d, so it cannot be a home; those with one are %q", e.Region, Increment-1, e.Known)
}
