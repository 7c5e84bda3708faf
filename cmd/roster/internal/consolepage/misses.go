package consolepage

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roster-go/roster"
)

// maxMisses bounds the names that are watched. Registries count at most a hundred
// names apart, each.
const maxMisses = 2000

// A Miss is a name that was asked for in vain.
type Miss struct {
	Registry string
	Name     string // or [roster.OtherName], for those beyond the first hundred
	Count    uint64
	// Last is when it was asked for last, as far as the console has watched. It is
	// zero for what happened before.
	Last time.Time

	// There says that the name is registered by now. What follows is what whoever
	// asked was told: registered names that may be meant, best first, or else the
	// imports that would register it, or the known name Suggested.
	There     bool
	Near      []string
	Imports   []roster.Provider
	Suggested string

	explained uint64 // one more than the version of the registry at which that was so
}

// missWatch learns from counts when names were asked for. It is safe for concurrent use.
type missWatch struct {
	mu      sync.Mutex // guards the fields below
	begun   time.Time
	seen    map[missKey]Miss
	minutes []tally // how many misses there were, the latest last
}

type missKey struct{ registry, name string }

type tally struct {
	at    time.Time
	count uint64
}

// since is when the watch began.
func (w *missWatch) since() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

// look compares the counts with those of the look before.
func (w *missWatch) look(now time.Time, registries []roster.Inspector) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally(now, registries)
}

// report looks, and returns all misses, the latest first, and how many there were in the minute
// before now.
func (w *missWatch) report(now time.Time, registries []roster.Inspector) (misses []Miss, lately uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, r := range w.tally(now, registries) {
		m := w.seen[key]
		m.explain(r)
		w.seen[key] = m
		misses = append(misses, m)
	}
	for _, t := range w.minutes {
		if now.Sub(t.at) <= time.Minute {
			lately += t.count
		}
	}
	slices.SortFunc(misses, func(a, b Miss) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(b.Count, a.Count),
			strings.Compare(a.Registry, b.Registry), strings.Compare(a.Name, b.Name))
	})
	return misses, lately
}

// tally takes note of the counts, and returns who has missed each name. The caller holds w.mu.
func (w *missWatch) tally(now time.Time, registries []roster.Inspector) map[missKey]roster.Reporter {
	first := w.seen == nil
	if first {
		w.seen, w.begun = make(map[missKey]Miss), now
	}
	counts, by := make(map[missKey]uint64), make(map[missKey]roster.Reporter)
	for _, r := range registries { // those of one name are added up
		reporter, ok := r.(roster.Reporter)
		if !ok {
			continue
		}
		for _, missed := range reporter.Missed() {
			key := missKey{r.Name(), missed.Name}
			if _, known := w.seen[key]; !known && len(w.seen)+len(counts) >= maxMisses {
				continue
			}
			counts[key] += missed.N
			by[key] = reporter
		}
	}
	for key := range w.seen {
		if counts[key] == 0 { // its registry is gone
			delete(w.seen, key)
		}
	}
	var fresh uint64
	for key, count := range counts {
		m := w.seen[key]
		if count > m.Count && !first {
			m.Last = now
			fresh += count - m.Count
		}
		m.Registry, m.Name, m.Count = key.registry, key.name, count
		w.seen[key] = m
	}
	if fresh > 0 {
		w.minutes = append(w.minutes, tally{now, fresh})
	}
	w.minutes = slices.DeleteFunc(w.minutes, func(t tally) bool { return now.Sub(t.at) > time.Minute })
	return by
}

// explain fills in what to do about it, unless the registry is what it was.
func (m *Miss) explain(r roster.Reporter) {
	version := r.Info().Version + 1
	if m.Name == roster.OtherName || m.explained == version {
		return
	}
	told := r.Explain(m.Name)
	m.Near, m.Imports, m.Suggested, m.explained = told.Nearest, told.Providers, told.Suggested, version
	m.There = slices.Contains(m.Near, m.Name)
}
