package replica

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Freshness bounds how old what a destination has can be, on the destination's own monotonic
// clock. It also ages while the source is dead, which the source's [Lag] cannot. The zero Freshness
// expects nobody. It is not safe for concurrent use.
type Freshness struct {
	origins map[string]*origin
}

type origin struct {
	heads   marks  // heard of and not applied
	applied uint64 // everything up to here is applied
	fresh   mark   // the newest head that is applied
	ever    bool   // there was one
}

// Expect makes an origin count: until it is heard, the destination is stale.
func (f *Freshness) Expect(region string) {
	if f.origins == nil {
		f.origins = map[string]*origin{}
	}
	if f.origins[region] == nil {
		f.origins[region] = &origin{}
	}
}

// Forget is for an origin that is retired.
func (f *Freshness) Forget(region string) { delete(f.origins, region) }

// Head notes that an origin had written no more than up to revision at asOf. For a strict bound
// asOf is when the destination sent the question that the origin answered with its head. For a
// heartbeat that comes unasked it is when it arrived, and the bound is short by the time that the
// heartbeat travelled.
func (f *Freshness) Head(region string, revision uint64, asOf time.Duration) {
	f.Expect(region)
	o := f.origins[region]
	if revision > o.applied {
		o.heads = o.heads.add(mark{revision, asOf})
		return
	}
	if !o.ever || asOf > o.fresh.at {
		o.fresh, o.ever = mark{revision, asOf}, true
	}
}

// Applied notes that everything of an origin up to revision is applied.
func (f *Freshness) Applied(region string, revision uint64) {
	f.Expect(region)
	o := f.origins[region]
	o.applied = max(o.applied, revision)
	n := o.heads.upTo(o.applied)
	if n > 0 && (!o.ever || o.heads[n-1].at > o.fresh.at) {
		o.fresh, o.ever = o.heads[n-1], true
	}
	o.heads = slices.Delete(o.heads, 0, n)
}

// Age returns an upper bound of how old what the destination has of an origin is, and false if it
// never heard of the origin or has not caught up with it for the first time.
func (f *Freshness) Age(region string, now time.Duration) (age time.Duration, ok bool) {
	o := f.origins[region]
	if o == nil || !o.ever {
		return 0, false
	}
	return max(0, now-o.fresh.at), true
}

// Check returns nil if what the destination has of every expected origin is at most bound old, and
// otherwise a [*StaleError] for the oldest.
func (f *Freshness) Check(bound, now time.Duration) error {
	var worst *StaleError
	for _, region := range slices.Sorted(maps.Keys(f.origins)) {
		age, ok := f.Age(region, now)
		if !ok {
			return &StaleError{Origin: region, Bound: bound, Never: true}
		}
		if age > bound && (worst == nil || age > worst.Age) {
			worst = &StaleError{Origin: region, Age: age, Bound: bound}
		}
	}
	if worst != nil {
		return worst
	}
	return nil
}

// A StaleError reports that a read would see data that is older than the bound it asked for.
type StaleError struct {
	Origin string // the region whose writes may be missing
	Age    time.Duration
	Bound  time.Duration
	Never  bool // nothing of that region has arrived yet; Age is zero
}

func (e *StaleError) Error() string {
	if e.Never {
		return fmt.Sprintf("replica: region %q was not heard of yet and the read asks for data that is at most %v old: "+
			"wait, read without a bound, or retire the region", e.Origin, e.Bound)
	}
	return fmt.Sprintf("replica: what is here of region %q may be %v old and the read asks for %v: "+
		"check the link to it, or read with a wider bound", e.Origin, e.Age, e.Bound)
}
