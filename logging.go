package roster

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
)

// Messages of the lines that a [Directory] logs.
const (
	loadedMessage = "runtime_loaded_handlers"
	namesMessage  = "registry"
)

// maxLoggedNames bounds the names in one line of [Directory.LogNames].
const maxLoggedNames = 1000

// LogNames writes a line "registry" for each registry of d at level Info, sorted by the
// registry's name, with registry_name, lifecycle, size and names, sorted. What a program had is
// the first question after an incident: call it once, when everything is registered. A line has
// the first 1,000 names, and then names_left_out says how many more there are. Values are not
// logged. A [Scope]'s line has its own names, a [Lazy] registry's those that are loaded.
func (d *Directory) LogNames(log *slog.Logger) {
	for _, r := range d.Registries() {
		names := make([]string, 0, r.Len())
		for e := range r.Entries() {
			names = append(names, e.Name)
		}
		shown := names[:min(len(names), maxLoggedNames)]
		attrs := []slog.Attr{
			slog.String("registry_name", r.Name()), slog.String("lifecycle", string(r.Info().Lifecycle)),
			slog.Int("size", len(names)), slog.Any("names", shown),
		}
		if more := len(names) - len(shown); more > 0 {
			attrs = append(attrs, slog.Int("names_left_out", more))
		}
		log.LogAttrs(context.Background(), slog.LevelInfo, namesMessage, attrs...)
	}
}

// LogLoads writes a line "runtime_loaded_handlers" at level Info for each entry that the
// registries of d have, and from then on for each that is registered, replaced, reloaded or
// loaded, until stop is called. Given names, it does so for the registries of these names alone.
//
// A line has registry_name; handler_name; handler_version, which is the version of the module
// that registered the entry; source, "linked-in" or "lazy load"; type, the value's; and at, the
// place that registered it. Values are not logged. A reload has a line for each name whose value
// differs from before. An entry that is registered while LogLoads is called may have two lines,
// never none.
//
// Lines are written by whoever writes to a registry, before he returns, in the order of the
// writes: the handler of log must not write to a registry of d, nor load from one. It may look
// up in one that is not lazy. Lookups pay nothing.
func (d *Directory) LogLoads(log *slog.Logger, registries ...string) (stop func()) {
	l := &loadLog{log: log, only: slices.Clone(registries)}
	d.loads.add(l)
	for _, r := range d.Registries() {
		source := linkedIn
		if r.Info().Lifecycle == LoadOnUse {
			source = lazyLoad
		}
		if !l.wants(r.Name()) {
			continue
		}
		for e := range r.Entries() {
			l.write(r.Name(), source, e.Name, Claim{Type: e.Type, Site: e.Registered})
		}
	}
	return func() { d.loads.remove(l) }
}

// Where an entry of a registry comes from.
const (
	linkedIn = "linked-in"
	lazyLoad = "lazy load"
)

// A loadLog is who wants to know of loads.
type loadLog struct {
	log  *slog.Logger
	only []string // names of registries; none means all
}

func (l *loadLog) wants(registry string) bool {
	return len(l.only) == 0 || slices.Contains(l.only, registry)
}

func (l *loadLog) write(registry, source, name string, of Claim) {
	l.log.LogAttrs(context.Background(), slog.LevelInfo, loadedMessage,
		slog.String("registry_name", registry), slog.String("handler_name", name),
		slog.String("handler_version", of.Site.Version), slog.String("source", source),
		slog.String("type", of.Type), slog.String("at", of.Site.String()))
}

// loadLogs are the logs of a directory; its registries share them.
type loadLogs struct {
	all atomic.Pointer[[]*loadLog] // nil if there are none
}

func (l *loadLogs) add(one *loadLog) {
	l.update(func(all []*loadLog) []*loadLog { return append(all, one) })
}

func (l *loadLogs) remove(one *loadLog) {
	l.update(func(all []*loadLog) []*loadLog {
		return slices.DeleteFunc(all, func(other *loadLog) bool { return other == one })
	})
}

func (l *loadLogs) update(change func(copied []*loadLog) []*loadLog) {
	for {
		old := l.all.Load()
		var next []*loadLog
		if old != nil {
			next = slices.Clone(*old)
		}
		next = change(next)
		published := &next
		if len(next) == 0 {
			published = nil
		}
		if l.all.CompareAndSwap(old, published) {
			return
		}
	}
}

// loaded tells who wants to know that e is now what name gives. The caller holds the lock that
// serialises the registry's writers, so that lines come in the order of the writes.
func loaded[T any](c *core, name string, e *entry[T]) {
	if c.loads == nil {
		return
	}
	all := c.loads.all.Load()
	if all == nil {
		return
	}
	for _, l := range *all {
		if l.wants(c.name) && l.log.Enabled(context.Background(), slog.LevelInfo) {
			l.write(c.name, c.source, name, e.claim(c.home()))
		}
	}
}
