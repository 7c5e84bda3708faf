package pick

import (
	"fmt"
	"math"
	"time"
)

// A Policy says how a pool chooses. The empty policy is [RoundRobin].
type Policy string

// The policies.
const (
	// RoundRobin takes the instances in the order of the list, from a random one on, so
	// that many callers that start together do not all begin with the same instance. n·k
	// picks in sequence pick each of n instances exactly k times.
	RoundRobin Policy = "round_robin"

	// LeastLoaded draws two instances at random and takes the one of lower cost
	// (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). The
	// cost is the instance's latency times its calls in flight plus one. The latency is the
	// peak-sensitive moving average of Finagle: it jumps up to a slower answer at once and
	// comes down with [Options.Decay]. A call that failed can raise the average and not
	// lower it, and counts as Decay if it is an instance's first: an instance that
	// fails fast does not look like a fast one.
	LeastLoaded Policy = "least_loaded"

	// ConsistentHash picks by the key, from a hash ring with bounded loads (Mirrokni,
	// Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016). A key's
	// instance follows from the set of instance IDs alone, so that all callers agree. When an
	// instance leaves, only its keys move; one that joins takes its share from
	// all others. An instance that has [Options.LoadFactor] times the mean of the calls in
	// flight passes further ones on to the next on the ring.
	ConsistentHash Policy = "consistent_hash"

	// Weighted draws instances at random in proportion to their weight, the entry
	// [WeightKey] of their metadata (alias method; Vose, "A Linear Algorithm for
	// Generating Random Numbers with a Given Distribution", 1991).
	Weighted Policy = "weighted"
)

// Defaults of [Options].
const (
	DefaultLoadFactor = 1.25
	DefaultDecay      = 10 * time.Second
	DefaultFailures   = 5
	DefaultEjection   = 30 * time.Second
	DefaultMaxShare   = 0.5
)

// Options adjust a [Pool] or a [Balancer]. The zero value is a good default.
type Options struct {
	// Policy is how to choose; RoundRobin if empty.
	Policy Policy

	// Region and Zone are where the caller itself runs. If either is set, nearer instances
	// are preferred, as the package comment says. A zone is the caller's if its
	// name is, and its region too, where both name one. Without Zone there are two tiers,
	// without Region there is none between the zone and all others.
	Region, Zone string

	// Subset is how many instances to talk to, 0 for all. Each caller takes those that
	// score highest for its name (rendezvous hashing; Thaler, Ravishankar, 1998), the
	// nearer tiers first: callers spread over all instances evenly, and when one instance
	// comes or goes, a caller exchanges one at most. A subset that its nearest tier
	// fills cannot spill over to another.
	Subset int

	// Client is the name of this caller, unique among callers, such as its host. Required
	// with Subset, unused without.
	Client string

	// LoadFactor is the bound of ConsistentHash: how many times the mean number of calls
	// in flight one instance may have, rounded up. More than 1; DefaultLoadFactor if 0.
	// Close to 1 balances best, far from 1 keeps most calls of a key together. Calls in
	// flight on instances that have left or are ejected count for the mean until they are done.
	// PickOther may exceed the bound when the instances below it have been tried.
	LoadFactor float64

	// Decay is the time constant of LeastLoaded's average: after it, 1/e of an old
	// latency is left. DefaultDecay if 0.
	Decay time.Duration

	// Outliers is when to leave out instances that fail.
	Outliers Outliers
}

// Outliers says when an instance whose calls fail is ejected, that is, left out for a
// while. It judges by what this caller saw, in the manner of Envoy's outlier detection for
// consecutive failures.
type Outliers struct {
	// Disabled turns ejection off.
	Disabled bool

	// Failures is how many calls in a row have to fail; DefaultFailures if 0.
	Failures int

	// Ejection is for how long the instance is left out, times the number of its
	// ejections in a row, which count up to 10. A call that succeeds after the ejection
	// ends the row. DefaultEjection if 0.
	Ejection time.Duration

	// MaxShare is the share of the instances that may be ejected at once, more than 0 and
	// at most 1, rounded down to whole instances. One always stays. DefaultMaxShare if 0.
	// Instances that drain or are outside of the subset do not count.
	MaxShare float64
}

// maxEjection keeps sums of points in time far from overflow.
const maxEjection = 10 * 365 * 24 * time.Hour

// normalize returns the options with defaults filled in, or an *OptionError.
func (o Options) normalize() (Options, error) {
	o.Policy = orDefault(o.Policy, RoundRobin)
	o.LoadFactor = orDefault(o.LoadFactor, DefaultLoadFactor)
	o.Decay = orDefault(o.Decay, DefaultDecay)
	o.Outliers.Failures = orDefault(o.Outliers.Failures, DefaultFailures)
	o.Outliers.Ejection = orDefault(o.Outliers.Ejection, DefaultEjection)
	o.Outliers.MaxShare = orDefault(o.Outliers.MaxShare, DefaultMaxShare)

	faults := []struct {
		wrong bool
		err   OptionError
	}{
		{!o.Policy.known(), OptionError{
			"Policy", fmt.Sprintf("%q is unknown", string(o.Policy)),
			fmt.Sprintf("use %s, %s, %s or %s", RoundRobin, LeastLoaded, ConsistentHash, Weighted),
		}},
		{o.Subset < 0, OptionError{
			"Subset", fmt.Sprintf("it is %d", o.Subset), "use 0 for all instances, or how many to talk to",
		}},
		{o.Subset > 0 && o.Client == "", OptionError{
			"Client", "it is empty, and Subset is set", "name this caller uniquely, for example by its host name",
		}},
		{!(o.LoadFactor > 1) || math.IsInf(o.LoadFactor, 0), OptionError{
			"LoadFactor", fmt.Sprintf("it is %v", o.LoadFactor), "use a finite number above 1, or 0 for the default",
		}},
		{o.Decay < 0, OptionError{
			"Decay", fmt.Sprintf("it is %v", o.Decay), "use a positive duration, or 0 for the default",
		}},
		{o.Outliers.Failures < 0, OptionError{
			"Outliers.Failures", fmt.Sprintf("it is %d", o.Outliers.Failures),
			"use a positive number, 0 for the default, or set Disabled",
		}},
		{o.Outliers.Ejection < 0 || o.Outliers.Ejection > maxEjection, OptionError{
			"Outliers.Ejection", fmt.Sprintf("it is %v", o.Outliers.Ejection),
			"use a positive duration below ten years, 0 for the default, or set Disabled",
		}},
		{!(o.Outliers.MaxShare > 0 && o.Outliers.MaxShare <= 1), OptionError{
			"Outliers.MaxShare", fmt.Sprintf("it is %v", o.Outliers.MaxShare),
			"use a share above 0 and at most 1, 0 for the default, or set Disabled",
		}},
	}
	for _, fault := range faults {
		if fault.wrong {
			return Options{}, &fault.err
		}
	}
	return o, nil
}

func (p Policy) known() bool {
	switch p {
	case RoundRobin, LeastLoaded, ConsistentHash, Weighted:
		return true
	}
	return false
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
