package discovery

import (
	"maps"
	"runtime"
	"slices"
	"weak"

	"github.com/roster-go/roster/kill"
)

// Hide keeps instances out of what the view shows for which hidden returns true, whatever
// the store says: readers do not see them, and to [View.Changes] they are gone.
// [ViewStatus] counts them. They stay in the copy on disk, if there is one, and under
// protection. With several Hide options an instance is hidden if one of them says so.
//
// hidden is asked when an instance is announced or changes, and again about all of them
// by [View.Reconsider]; in between its answer is remembered. It runs while the view is
// locked: it must be fast, and call no method of the view.
func Hide(hidden func(Instance) bool) ViewOption {
	return func(s *viewSettings) { s.hide = append(s.hide, hidden) }
}

// HideKilled hides what a kill switch has killed: the targets instance/SERVICE/ID, and
// capability/SERVICE for all instances of a service. When [kill.Switch.Apply] returns,
// readers see what it changed. The switch does not keep the view in memory.
func HideKilled(s *kill.Switch) ViewOption {
	return func(settings *viewSettings) {
		Hide(func(i Instance) bool {
			if _, killed := s.Killed(kill.Instance(i.Service, i.ID)); killed {
				return true
			}
			_, killed := s.Killed(kill.Capability(i.Service))
			return killed
		})(settings)
		settings.told = append(settings.told, func(v *View) {
			ref := weak.Make(v)
			stop := s.OnChange(func(now []kill.Order) {
				if v := ref.Value(); v != nil && concerns(now) {
					v.Reconsider()
				}
			})
			runtime.AddCleanup(v, func(stop func()) { stop() }, stop)
		})
	}
}

// concerns reports whether an order is about instances.
func concerns(orders []kill.Order) bool {
	return slices.ContainsFunc(orders, func(o kill.Order) bool {
		return o.Target.Kind == kill.KindInstance || o.Target.Kind == kill.KindCapability
	})
}

// Reconsider asks the functions of [Hide] again about every instance. When it returns,
// readers see the outcome, in one step.
func (v *View) Reconsider() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.hide) == 0 {
		return
	}
	v.install(maps.Clone(v.services))
}

// visible returns what is to be shown of next, services that change. It leaves out those
// of which nothing else is shown than before. The caller holds v.mu, and has not put next
// into effect.
func (v *View) visible(next map[string][]Instance) map[string][]Instance {
	if len(v.hide) == 0 {
		return next
	}
	shown := make(map[string][]Instance, len(next))
	for service, instances := range next {
		v.hidden -= len(v.services[service]) - len(v.shown[service])
		visible := instances
		if slices.ContainsFunc(instances, v.hides) {
			visible = slices.DeleteFunc(slices.Clone(instances), v.hides)
		}
		v.hidden += len(instances) - len(visible)
		if !slices.EqualFunc(v.shown[service], visible, Instance.Equal) {
			shown[service] = visible
		}
	}
	return shown
}

// hides reports whether an instance is not to be shown.
func (v *View) hides(i Instance) bool {
	return slices.ContainsFunc(v.hide, func(hidden func(Instance) bool) bool { return hidden(i) })
}
