package discovery

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// A Protection says when a view takes the expiry of many instances for a fault between
// them and the store rather than for their end. The zero value is a good choice.
type Protection struct {
	Share  float64       // of the instances that have to expire within Window, 0.2 if zero
	Min    int           // how many have to at least, 5 if zero, so that small fleets are not affected
	Window time.Duration // 1 min if zero
	Hold   time.Duration // how long an instance is held back at most, 10 min if zero; restarts count if there is a copy on disk
}

// Protect keeps showing instances that expire in great numbers at once: after a fault of
// the network between the instances and the store all of them may still answer, and a view
// that forgets them takes a service down that works.
//
// While the view is protected, an instance that expires stays in it until it registers
// again, takes leave in order, or has been held back for [Protection.Hold]. What had
// expired within the window before is shown again. When so many are back that the rest is
// below the share, the rest is let go. [ViewStatus] has since when the view is protected
// and how many instances it holds back. [View.Release] ends it by hand.
//
// An instance that took leave in order, which was draining before it went, is never held
// back. Neither is one of a small fleet, see [Protection.Min], nor one that is only in a
// copy on disk that was last confirmed longer than [Protection.Hold] ago. Where a service
// gets new instances in the same step, as many of those that vanish count as replaced.
//
// The idea is that of Eureka's self-preservation mode.
func Protect(p Protection) ViewOption {
	const (
		share  = 0.2
		least  = 5
		window = time.Minute
		hold   = 10 * time.Minute
	)
	p.Share, p.Min = cmp.Or(p.Share, share), cmp.Or(p.Min, least)
	p.Window, p.Hold = cmp.Or(p.Window, window), cmp.Or(p.Hold, hold)
	return func(s *viewSettings) {
		s.guard = &guard{rules: p, held: make(map[Key]expired), recent: make(map[Key]expired), leaving: make(map[Key]bool)}
	}
}

// Release lets go of all instances that are held back. The view then shows what the store
// has.
func (v *View) Release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.guard != nil {
		v.letGo(func(expired) bool { return true })
	}
}

// A guard holds instances back. View.mu guards it.
type guard struct {
	rules  Protection
	since  time.Time       // when it began to hold back, zero if it does not
	held   map[Key]expired // shown although the store no longer has them
	recent map[Key]expired // let go within the window, and not back since
	free   bool            // what vanishes now is let go

	leaving map[Key]bool // said farewell in the changes that are about to be published
}

// announced notes that the store has an instance.
func (g *guard) announced(instance Instance) {
	if g == nil {
		return
	}
	delete(g.held, instance.Key())
	delete(g.recent, instance.Key())
	if instance.Draining {
		g.leaving[instance.Key()] = true
	}
}

// An expired is an instance that vanished without taking leave.
type expired struct {
	instance Instance
	at       time.Time
}

// review looks at what is about to vanish: next has the new instances of the services that
// change, now those of all, total of them, which were there at the time seen. It puts back
// into next what is to be held back.
func (g *guard) review(at, seen time.Time, now map[string][]Instance, total int, next map[string][]Instance) {
	defer clear(g.leaving)
	if g.free {
		return
	}
	if at.Sub(seen) >= g.rules.Hold {
		clear(g.held) // which are from a copy as old as that
		g.since = time.Time{}
		return
	}
	var gone []expired
	for service, instances := range next {
		gone = append(gone, g.vanished(seen, now[service], instances)...)
	}
	maps.DeleteFunc(g.recent, func(_ Key, e expired) bool { return at.Sub(e.at) > g.rules.Window })
	if g.since.IsZero() {
		if !g.isMass(len(g.recent)+len(gone), total+len(g.recent)) {
			for _, e := range gone {
				g.recent[e.instance.Key()] = e
			}
			return
		}
		g.since = at
		gone = slices.AppendSeq(gone, maps.Values(g.recent))
		clear(g.recent)
	}
	for _, e := range gone {
		service := e.instance.Service
		instances, changes := next[service]
		if !changes {
			instances = slices.Clone(now[service])
		}
		i, present := position(instances, e.instance.ID)
		if present {
			continue // it came back meanwhile
		}
		next[service] = slices.Insert(instances, i, e.instance)
		g.held[e.instance.Key()] = e
	}
}

// vanished returns the instances of a service that go from now to next without having taken
// leave or been replaced, with those that are held back already.
func (g *guard) vanished(seen time.Time, now, next []Instance) []expired {
	var held, fresh []expired
	added := 0
	for _, event := range appendDifference(nil, now, next) {
		key := event.Instance.Key()
		before, isHeld := g.held[key]
		switch {
		case event.Kind == Added:
			added++
		case event.Kind != Removed, event.Instance.Draining, g.leaving[key]:
		case isHeld:
			held = append(held, before)
		default:
			fresh = append(fresh, expired{event.Instance, seen})
		}
	}
	return append(held, fresh[min(added, len(fresh)):]...)
}

// isMass tells whether that many of so many are too many to have ended.
func (g *guard) isMass(lost, of int) bool {
	return lost >= g.rules.Min && float64(lost) >= g.rules.Share*float64(of)
}

// releaseOverdue lets go of what was held back for long enough, and of the rest when
// protection has served its purpose.
func (v *View) releaseOverdue(at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	g := v.guard
	if g == nil || g.since.IsZero() {
		return
	}
	over := !g.isMass(len(g.held), v.instances)
	v.letGo(func(e expired) bool { return over || at.Sub(e.at) >= g.rules.Hold })
}

// letGo removes held instances from the view. The caller holds v.mu.
func (v *View) letGo(which func(expired) bool) {
	g := v.guard
	next := make(map[string][]Instance)
	for key, e := range g.held {
		if !which(e) {
			continue
		}
		delete(g.held, key)
		instances, changes := next[key.Service]
		if !changes {
			instances = slices.Clone(v.services[key.Service])
		}
		if i, found := position(instances, key.ID); found {
			next[key.Service] = slices.Delete(instances, i, i+1)
		}
	}
	if len(g.held) == 0 {
		g.since = time.Time{}
	}
	g.free = true
	v.publish(next)
	g.free = false
}

// keeps tells whether an instance that had expired at a time, and was held back by an
// earlier run of the program, is still to be.
func (g *guard) keeps(expired, now time.Time) bool {
	return g != nil && now.Sub(expired) < g.rules.Hold
}

// restore takes over what an earlier run of the program held back.
func (g *guard) restore(held map[Key]expired) {
	if g == nil {
		return
	}
	for key, e := range held {
		g.held[key] = e
		if g.since.IsZero() || e.at.Before(g.since) {
			g.since = e.at
		}
	}
}

// heldSince returns when those expired that are held back.
func (g *guard) heldSince() map[Key]time.Time {
	if g == nil || len(g.held) == 0 {
		return nil
	}
	since := make(map[Key]time.Time, len(g.held))
	for key, e := range g.held {
		since[key] = e.at
	}
	return since
}
