package pick

import "github.com/roster-go/roster/discovery"

// The tiers, nearest first. A caller that says nothing of itself has everything in the
// first.
const (
	tierNear = iota
	tierRegion
	tierFar
	tiers // how many there are
)

// overprovisioning is how much more than its share a tier's instances are trusted to
// take before calls go elsewhere. It is Envoy's default.
const overprovisioning = 1.4

// tierOf is the tier of an instance for a caller in a region and zone.
func tierOf(i *discovery.Instance, region, zone string) int {
	sameRegion := region != "" && i.Region == region
	switch {
	case zone == "" && region == "":
		return tierNear
	case zone != "" && i.Zone == zone && (sameRegion || region == "" || i.Region == ""):
		return tierNear
	case zone == "" && sameRegion:
		return tierNear
	case sameRegion:
		return tierRegion
	default:
		return tierFar
	}
}

// shares says which part of the calls each tier takes, given how many of its instances are
// in order and how many there are. The parts add up to 1, or to 0 if nothing is in order.
func shares(healthy, total []int) []float64 {
	health := make([]float64, len(total))
	var sum float64
	for i := range total {
		if total[i] > 0 {
			health[i] = min(1, overprovisioning*float64(healthy[i])/float64(total[i]))
		}
		sum += health[i]
	}
	result := make([]float64, len(total))
	left := 1.0
	for i := range health {
		if sum > 0 {
			result[i] = min(left, health[i]/min(1, sum))
		}
		left -= result[i]
	}
	return result
}
