package plugin

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/roster-go/roster"
)

// An offer is what this host has for one capability, an entry of the registry
// "capabilities". It is not changed once it is registered, but replaced.
type offer struct {
	kind          CapabilityKind
	service       string         // for a KindService
	linked        Function       // nil if none is linked in
	linkedService *linkedService // as above
	plugins       []grant
	equal         bool          // plugins take turns
	turn          atomic.Uint64 // whose it is
}

// A grant is a plugin's part in an offer.
type grant struct {
	plugin     *supervised
	idempotent bool
	weight     int
	standby    bool
	circuit    *circuit
}

func granting(s *supervised, c Capability) grant {
	return grant{plugin: s, idempotent: c.Idempotent, weight: c.Weight, standby: c.Standby, circuit: s.circuits[c.Name]}
}

// An OfferError reports a capability that two providers of this host offer in
// different ways: as a function and as a service, or as two services.
type OfferError struct {
	Capability string
	Plugin     string // the one that was refused
	Source     string // its descriptor file
	Offered    string // what it offers
	Existing   string // what is there, and by whom
}

func conflicting(s *supervised, c Capability, o *offer) *OfferError {
	return &OfferError{
		Capability: c.Name, Plugin: s.d.Name, Source: s.d.Source,
		Offered: form(c.Kind, c.Service), Existing: form(o.kind, o.service) + " of " + o.owner(),
	}
}

func (e *OfferError) Error() string {
	return fmt.Sprintf("plugin: %s: plugin %q offers %q as %s, but it is %s; give one of the two capabilities another name",
		e.Source, e.Plugin, e.Capability, e.Offered, e.Existing)
}

// publish adds a plugin's capabilities to the registry, all or none.
func (h *Host) publish(s *supervised) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("plugin: %s: cannot add %q: %w", s.d.Source, s.d.Name, errClosed)
	}
	for _, c := range s.d.Capabilities {
		if o, ok := h.capabilities.Peek(c.Name); ok && (o.kind != c.Kind || o.service != c.Service) {
			return conflicting(s, c, o)
		}
	}
	for _, c := range s.d.Capabilities {
		g := granting(s, c)
		o, ok := h.capabilities.Peek(c.Name)
		var err error
		if ok {
			err = h.capabilities.Replace(c.Name, o.with(append(slices.Clone(o.plugins), g)))
		} else {
			err = h.capabilities.TryRegister(c.Name, (&offer{kind: c.Kind, service: c.Service}).with([]grant{g}))
		}
		if err != nil { // no such case is known: the names have been checked
			h.retract(s)
			return fmt.Errorf("plugin: %s: %w", s.d.Source, err)
		}
	}
	h.changes.send()
	return nil
}

// retract removes a plugin from all offers. The caller holds h.mu.
func (h *Host) retract(s *supervised) {
	var errs []error
	for _, c := range s.d.Capabilities {
		o, ok := h.capabilities.Peek(c.Name)
		if !ok || !slices.ContainsFunc(o.plugins, func(g grant) bool { return g.plugin == s }) {
			continue
		}
		if rest := o.without(s); rest.serves() {
			errs = append(errs, h.capabilities.Replace(c.Name, rest))
		} else {
			errs = append(errs, h.capabilities.Unregister(c.Name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		h.log.Error("capability not withdrawn", "error", err)
	}
}

func (o *offer) with(plugins []grant) *offer {
	return &offer{kind: o.kind, service: o.service, linked: o.linked, linkedService: o.linkedService, plugins: plugins, equal: sameShare(plugins)}
}

// without is the offer when s is gone.
func (o *offer) without(s *supervised) *offer {
	return o.with(slices.DeleteFunc(slices.Clone(o.plugins), func(g grant) bool { return g.plugin == s }))
}

// serves reports whether anybody is there.
func (o *offer) serves() bool { return o.linkedIn() || len(o.plugins) > 0 }

func (o *offer) linkedIn() bool { return o.linked != nil || o.linkedService != nil }

func (o *offer) owner() string {
	if o.linkedIn() {
		return "a linked-in provider"
	}
	return fmt.Sprintf("plugin %q (%s)", o.plugins[0].plugin.d.Name, o.plugins[0].plugin.d.Source)
}

func form(kind CapabilityKind, service string) string {
	if kind == KindService {
		return "the gRPC service " + service
	}
	return "a JSON function"
}

// providers lists who can take a call now.
func (h *Host) providers(name string, o *offer) []Provider {
	var list []Provider
	if o.linkedIn() {
		list = append(list, h.local(Linked, name))
	}
	for _, g := range o.plugins {
		if state, _ := g.plugin.current(); state == Ready {
			list = append(list, h.local(g.plugin.d.kind(), g.plugin.d.Name))
		}
	}
	return list
}

func (h *Host) local(kind Kind, name string) Provider {
	return Provider{Kind: kind, Name: name, Host: h.self.ID, Region: h.self.Region}
}

// find is Get that does not show in the counts of lookups.
func find[T any](v roster.View[T], name string) (T, bool) {
	for n, value := range v.All() {
		if n == name {
			return value, true
		}
	}
	var none T
	return none, false
}
