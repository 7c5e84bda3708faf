package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/roster-go/roster"
)

// Replace puts another version of a plugin into the place of the one of its name,
// without a failed call: the new process is started and ready before it gets calls,
// all its capabilities change hands in one step, and the old process ends when it
// has answered what it was asked, within the stop grace. Replace returns when it is
// gone.
//
// If the new version does not get ready, the old one keeps serving and its
// [Status] says why. Errors are those of [Host.Add], and a [*roster.UnknownError] if
// there is no plugin of that name. A version that is not killed may take the place of one
// that is. The new version may have other capabilities
// than the old one. Ctx bounds the start and the wait for the old process, which
// ends all the same.
func (h *Host) Replace(ctx context.Context, d Descriptor) error {
	d, err := h.check(d)
	if err != nil {
		return err
	}
	old, there := h.plugins.Peek(d.Name)
	if !there {
		_, err := h.plugins.Lookup(d.Name)
		return fmt.Errorf("plugin: cannot replace: %w", err)
	}
	return h.replace(ctx, old, d)
}

// replace puts what a checked descriptor says into the place of old.
func (h *Host) replace(ctx context.Context, old *supervised, d Descriptor) error {
	if err := h.killedPlugin(d.Name, d.Version); err != nil {
		return fmt.Errorf("plugin: %s: cannot replace %q: %w", d.Source, d.Name, err)
	}
	s, err := h.admit(d)
	if err != nil {
		return err
	}
	defer h.dismiss(s)
	select {
	case err = <-s.first:
	case <-ctx.Done():
		err = fmt.Errorf("plugin: %s: start of %q: %w", d.Source, d.Name, context.Cause(ctx))
	}
	if killed := s.killed(); err == nil && killed != nil {
		err = fmt.Errorf("plugin: %s: cannot replace %q: %w", d.Source, d.Name, killed)
	}
	if err == nil {
		err = h.exchange(old, s)
	}
	if err != nil {
		s.halt()
		<-s.done
		old.note("plugin not replaced", fmt.Errorf("its replacement did not get ready: %w", err))
		return err
	}
	h.changes.send() // before the old one refuses calls, so that those look again
	old.halt()
	return old.ended(ctx)
}

// Reload reads the descriptor file of a plugin again and replaces the plugin by what
// it says now, as [Host.Replace] does. That is how a new program, a new config or a new
// weight comes into effect. The errors are those of Replace and of
// [ReadDescriptor], and another one for a plugin that no file describes.
func (h *Host) Reload(ctx context.Context, name string) error {
	s, err := h.plugins.Lookup(name)
	if err != nil {
		return fmt.Errorf("plugin: cannot reload: %w", err)
	}
	if s.d.Dir == "" { // what was read from a file has one
		return fmt.Errorf("plugin: cannot reload %q: it has no descriptor file (it is %s); replace it in the program", name, s.d.Source)
	}
	d, err := ReadDescriptor(s.d.Source)
	if err != nil {
		return err
	}
	if d.Name != name {
		return &DescriptorError{
			File: d.Source, Field: "name", Problem: fmt.Sprintf("the name is %q now, and was %q", d.Name, name),
			Fix: "give it back its name; a plugin of another name is another plugin",
		}
	}
	return h.Replace(ctx, d)
}

// admit starts a plugin that is not in the registry yet.
func (h *Host) admit(d Descriptor) (*supervised, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fmt.Errorf("plugin: %s: cannot replace %q: %w", d.Source, d.Name, errClosed)
	}
	s := h.supervise(d)
	h.waiting[s] = struct{}{}
	return s, nil
}

// dismiss notes that a plugin is in the registry, or has ended.
func (h *Host) dismiss(s *supervised) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiting, s)
}

// exchange gives s the place of old in both registries.
func (h *Host) exchange(old, s *supervised) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("plugin: %s: cannot replace %q: %w", s.d.Source, s.d.Name, errClosed)
	}
	if current, ok := h.plugins.Peek(s.d.Name); !ok || current != old {
		return fmt.Errorf("plugin: %s: cannot replace %q: it was removed or replaced meanwhile; look at what is there and try again",
			s.d.Source, s.d.Name)
	}
	err := h.capabilities.Update(func(d *roster.Draft[*offer]) error {
		for _, c := range s.d.Capabilities {
			o, ok := d.Get(c.Name)
			if !ok || o.kind == c.Kind && o.service == c.Service {
				continue
			}
			if others := o.without(old); others.serves() {
				return conflicting(s, c, others)
			}
		}
		return handOver(d, old, s)
	})
	if err != nil {
		return err
	}
	return h.plugins.Replace(s.d.Name, s)
}

// handOver writes the capabilities of s in the place of those of old.
func handOver(d *roster.Draft[*offer], old, s *supervised) error {
	for _, c := range old.d.Capabilities {
		o, ok := d.Get(c.Name)
		kept := slices.ContainsFunc(s.d.Capabilities, func(other Capability) bool { return other.Name == c.Name })
		if !ok || kept {
			continue
		}
		var err error
		if rest := o.without(old); rest.serves() {
			err = d.Replace(c.Name, rest)
		} else {
			err = d.Unregister(c.Name)
		}
		if err != nil {
			return fmt.Errorf("plugin: %s: %w", s.d.Source, err)
		}
	}
	for _, c := range s.d.Capabilities {
		write, next := d.Register, &offer{}
		if o, ok := d.Get(c.Name); ok {
			write, next = d.Replace, o.without(old)
		}
		next = next.with(append(next.plugins, granting(s, c)))
		next.kind, next.service = c.Kind, c.Service
		if err := write(c.Name, next); err != nil {
			return fmt.Errorf("plugin: %s: %w", s.d.Source, err)
		}
	}
	return nil
}

// note keeps an error for the status of a plugin that goes on serving.
func (s *supervised) note(what string, err error) {
	s.mu.Lock()
	s.lastErr = err
	s.mu.Unlock()
	s.log.Error(what, "error", err) //nolint:sloglint // one of few, each in the caller
	s.host.changes.send()
}

// reconfigured forgets that an earlier config was refused.
func (s *supervised) reconfigured() {
	s.mu.Lock()
	if _, refused := errors.AsType[*ConfigError](s.lastErr); refused {
		s.lastErr = nil
	}
	s.mu.Unlock()
	s.host.changes.send()
}
