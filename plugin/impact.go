package plugin

import (
	"slices"

	"github.com/roster-go/roster/kill"
)

// Impact says what a kill would hit on this host now: for a capability, everybody here who
// serves it; for a plugin or one of its versions, the plugin, and as what remains the
// fewest providers that one of its capabilities has besides; for an instance of this host,
// those who serve the capability here, and as what remains the other hosts that the
// fleet knows. What is killed already, or not ready, counts for nothing. It is for
// [kill.RuntimeOptions].
func (h *Host) Impact(t kill.Target) kill.Impact {
	switch t.Kind {
	case kill.KindCapability:
		return h.impactOf(t.Name, 0)
	case kill.KindInstance:
		if t.Part != h.self.ID {
			return kill.Impact{}
		}
		others := 0
		if h.fleet != nil {
			others = len(slices.DeleteFunc(slices.Clone(h.fleet.Get(t.Name)), func(p Peer) bool {
				return h.struck(kill.Instance(t.Name, p.ID)) != nil
			}))
		}
		return h.impactOf(t.Name, others)
	case kill.KindPlugin:
		return h.impactOfPlugin(t)
	case kill.KindEntry, kill.KindNamespace, kill.KindCanary:
	}
	return kill.Impact{}
}

// impactOf counts those who serve a capability here.
func (h *Host) impactOf(capability string, remaining int) kill.Impact {
	var impact kill.Impact
	for _, c := range h.Capabilities() {
		if c.Name != capability {
			continue
		}
		for _, p := range c.Providers {
			impact.Names = append(impact.Names, p.String())
		}
		impact.Providers, impact.Remaining = len(c.Providers), remaining
	}
	return impact
}

func (h *Host) impactOfPlugin(t kill.Target) kill.Impact {
	s, there := h.plugins.Peek(t.Name)
	if !there {
		return kill.Impact{}
	}
	st := s.status()
	if st.State != Ready || t.Part != "" && t.Part != st.Version {
		return kill.Impact{}
	}
	impact := kill.Impact{Providers: 1, Names: []string{h.local(s.d.kind(), t.Name).String()}, Remaining: -1}
	for _, c := range h.Capabilities() {
		if slices.Contains(st.Capabilities, c.Name) && (impact.Remaining < 0 || len(c.Providers) <= impact.Remaining) {
			impact.Remaining = len(c.Providers) - 1
		}
	}
	impact.Remaining = max(impact.Remaining, 0)
	return impact
}
