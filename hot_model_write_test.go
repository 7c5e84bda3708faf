package roster_test

import (
	"errors"
	"maps"
	"slices"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// A writer is a registry or a draft of one.
type writer interface {
	Replace(name string, p *device) error
	Unregister(name string) error
}

var (
	_ writer = (*roster.Hot[*device])(nil)
	_ writer = (*roster.Draft[*device])(nil)
)

// modelDraft is the next version while it is written.
type modelDraft struct {
	live  map[string]*oldEntry
	given []*device
}

func (m *hotModel) begin() *modelDraft { return &modelDraft{live: maps.Clone(m.live)} }

var errGivenUp = errors.New("given up")

// write performs one write that is no transaction.
func (m *hotModel) write(what string, f func(writer, *modelDraft)) {
	m.did = what
	f(m.h, m.begin())
}

func (m *hotModel) register(w writer, d *modelDraft, name string, p *device) {
	want := m.wantChecked(name, p)
	if want == nil && d.live[name] != nil {
		want = roster.ErrDuplicate
		m.counts.duplicate[name]++
	}
	if want == nil {
		d.live[name] = &oldEntry{name: name, value: p, born: m.version + 1}
	}
	var got error
	if draft, ok := w.(*roster.Draft[*device]); ok {
		got = draft.Register(name, p)
	} else {
		got = m.h.TryRegister(name, p)
	}
	m.wrote(w, d, p, got, want)
}

func (m *hotModel) replace(w writer, d *modelDraft, name string, p *device) {
	want := m.wantChecked(name, p)
	if want == nil && d.live[name] == nil {
		want = roster.ErrUnknown
	}
	if want == nil {
		d.live[name] = &oldEntry{name: name, value: p, born: m.version + 1}
	}
	m.wrote(w, d, p, w.Replace(name, p), want)
}

func (m *hotModel) unregister(w writer, d *modelDraft, name string) {
	var want error
	if d.live[name] == nil {
		want = roster.ErrUnknown
	}
	delete(d.live, name)
	m.wrote(w, d, nil, w.Unregister(name), want)
}

// wantChecked is the refusal of a name or a value that must never be an entry.
func (m *hotModel) wantChecked(name string, p *device) error {
	switch {
	case name == "":
		m.counts.bounded(m.counts.invalid, name)
		return roster.ErrInvalidName
	case p == nil:
		m.counts.bounded(m.counts.invalid, name)
		return roster.ErrNilValue
	default:
		return nil
	}
}

// wrote compares how a write ended. A write to the registry itself takes effect,
// or leaves the value with the caller.
func (m *hotModel) wrote(w writer, d *modelDraft, p *device, got, want error) {
	_, isDraft := w.(*roster.Draft[*device])
	if p != nil && isDraft {
		d.given = append(d.given, p)
	}
	if want == nil && !isDraft {
		want = m.publish(d)
	}
	m.same(got, want)
	switch {
	case isDraft || p == nil || slices.Contains(m.handed, p):
	case want == nil:
		m.handed = append(m.handed, p)
	default:
		m.spare = append(m.spare, p)
	}
}

func (m *hotModel) same(got, want error) {
	m.t.Helper()
	if want == nil {
		assert.NoError(m.t, got)
		return
	}
	assert.True(m.t, errors.Is(got, want), "the error "+want.Error())
}

// reload replaces everything, by a mixture of what is there, moved and new.
func (m *hotModel) reload() {
	m.did = "reload"
	entries := make(map[string]*device)
	for name, e := range m.live {
		if m.random.IntN(3) > 0 && len(entries) < 30 {
			entries[name] = e.value
		}
	}
	for range m.random.IntN(8) {
		entries[m.name()] = m.device()
	}
	d := m.begin()
	var want error
	for name, p := range entries {
		if p != nil {
			d.given = append(d.given, p)
		}
		if err := m.wantChecked(name, p); err != nil {
			want = err
		}
	}
	maps.DeleteFunc(d.live, func(name string, e *oldEntry) bool { return entries[name] != e.value })
	for name, p := range entries {
		if d.live[name] == nil {
			d.live[name] = &oldEntry{name: name, value: p, born: m.version + 1}
		}
	}
	m.transacted(d, m.h.Reload(entries), want)
}

// update writes several names, and gives up at times.
func (m *hotModel) update() {
	m.did = "update"
	d := m.begin()
	ending := m.random.IntN(6)
	const givesUp, panics = 0, 1
	var want, got error
	func() {
		defer func() {
			if ending == panics {
				assert.Equal(m.t, recover(), any(errGivenUp))
				got = errGivenUp
			}
		}()
		got = m.h.Update(func(draft *roster.Draft[*device]) error {
			for range m.random.IntN(7) {
				switch m.random.IntN(3) {
				case 0:
					m.register(draft, d, m.name(), m.device())
				case 1:
					m.replace(draft, d, m.name(), m.device())
				default:
					m.unregister(draft, d, m.name())
				}
			}
			m.shows(draft, d.live)
			switch ending {
			case givesUp:
				return errGivenUp
			case panics:
				panic(errGivenUp)
			default:
				return nil
			}
		})
	}()
	if ending == givesUp || ending == panics {
		want = errGivenUp
	}
	m.transacted(d, got, want)
}

// transacted compares how a transaction ended. It takes over whatever it was
// given.
func (m *hotModel) transacted(d *modelDraft, got, want error) {
	if want == nil {
		want = m.publish(d)
	}
	m.same(got, want)
	if want == nil {
		m.counts.reloads++
	} else {
		m.counts.failed++
	}
	for _, p := range d.given {
		m.spare = slices.DeleteFunc(m.spare, func(other *device) bool { return other == p })
		if !slices.Contains(m.handed, p) {
			m.handed = append(m.handed, p)
		}
	}
}

// publish makes a draft the current version, unless the validator refuses.
func (m *hotModel) publish(d *modelDraft) error {
	var c roster.Change
	for name, e := range d.live {
		switch m.live[name] {
		case e:
		case nil:
			c.Added = append(c.Added, name)
		default:
			c.Replaced = append(c.Replaced, name)
		}
	}
	for name := range m.live {
		if d.live[name] == nil {
			c.Removed = append(c.Removed, name)
		}
	}
	if len(c.Added)+len(c.Replaced)+len(c.Removed) == 0 {
		return nil
	}
	if d.live[refusedName] != nil {
		return errRefusedName
	}
	m.version++
	for _, name := range append(c.Removed, c.Replaced...) {
		e := m.live[name]
		e.died = m.version
		m.dead = append(m.dead, e)
	}
	for _, name := range c.Added {
		m.counts.success[name]++
	}
	slices.Sort(c.Added)
	slices.Sort(c.Replaced)
	slices.Sort(c.Removed)
	m.changes = append(m.changes, c)
	m.live = d.live
	return nil
}
