// Package pick chooses one of a service's instances for each call, on the caller's side.
//
// A [Balancer] follows one service of a [discovery.View]; a [Pool] chooses from a list that
// it is given. Both hand out a [Picked] for each call, and take it back with
// [Picked.Done] when the call has ended:
//
//	balancer, err := pick.New(view, "image.thumbnail", pick.Options{Policy: pick.LeastLoaded})
//	...
//	picked, err := balancer.Pick("")
//	if err != nil {
//		return err
//	}
//	err = call(ctx, picked.Instance().Address)
//	picked.Done(err)
//
// Done is not optional: without it the instance seems to have one more call under way, for
// ever, which [LeastLoaded] and [ConsistentHash] avoid.
//
// # Policies
//
// [RoundRobin] takes the instances in turn. [LeastLoaded] compares two instances drawn at
// random and takes the one that answers faster and is less busy. [Weighted] draws instances
// in proportion to their weight. [ConsistentHash] sends the same key to the same instance,
// unless that one is busier than the others by more than [Options.LoadFactor].
//
// # What is left out
//
// The list is narrowed in four steps, each of which yields rather than leave nothing.
//
//   - Instances that drain are not picked, unless all do.
//   - With [Options.Subset] the caller talks to some of the others only, the nearest first.
//   - An instance whose last calls failed is ejected for a while; see [Outliers].
//   - With [Options.Zone] or [Options.Region] calls stay near, as long as enough instances
//     there are in order.
//
// # Near and far
//
// Instances in the caller's zone are the first tier, others in its region the second, and
// all others the third. A tier takes a share of the calls of 1.4 times the share of its
// instances that are not ejected, at most all; what is left goes to the next tier. So a
// zone keeps all its calls until more than two in seven of its instances are ejected. If all tiers
// together cannot take everything, they share it in proportion. These are Envoy's priority
// levels with its overprovisioning factor of 140%.
//
// Instances that drain do not count in either number: the shares are those that hold once
// they are gone. With ConsistentHash the tier follows from the key, otherwise from chance.
//
// # Concurrency properties
//
// All methods of all types are safe for concurrent use. No type starts a goroutine or a
// timer, so there is nothing to close.
//
// Pick and Done read one atomic pointer to an immutable state and count with atomic
// operations; they neither wait nor allocate. Exceptions, all of them rare: the Pick that
// first notices a new state of the view, or that an ejection has ended, computes
// the state that follows, and so does the Done that ejects an instance. Meanwhile other Picks go on
// with the state before, unless there was no instance in it.
//
//   - Order. States of a pool follow each other in the order of the calls of Update; a Pick
//     that starts after Update has returned sees that list or a later one. Concurrent
//     calls of Update take effect in some order.
//   - Staleness. A balancer's Pick sees the view as it was when Pick started or later,
//     except while another goroutine computes a new state: then it may see the one before.
//   - In flight. The count of an instance includes every Pick that has returned without
//     Done. With ConsistentHash the bound holds for concurrent picks, too.
//   - Surviving. Counts, averages and ejections belong to an ID and address. They survive
//     new lists for as long as each holds that pair, and calls under way may end
//     after their instance has left the list.
package pick
