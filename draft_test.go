package roster_test

import (
	"errors"
	"maps"
	"runtime"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestUpdateIsAllOrNothing(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](roster.Named("routes"), quiet())
	assert.NoError(t, h.Reload(map[string]int{"a": 1, "b": 1}))
	var leaked *roster.Draft[int]
	assert.NoError(t, h.Update(func(d *roster.Draft[int]) error {
		leaked = d
		assert.NoError(t, d.Register("c", 2))
		assert.NoError(t, d.Replace("a", 2))
		assert.NoError(t, d.Unregister("b"))
		assert.True(t, errors.Is(d.Register("a", 3), roster.ErrDuplicate), "a draft refuses a taken name")
		assert.True(t, errors.Is(d.Replace("b", 3), roster.ErrUnknown), "what was removed is not there")
		assert.True(t, errors.Is(d.Unregister("b"), roster.ErrUnknown), "what was removed is not there")
		assert.True(t, errors.Is(d.Register("", 3), roster.ErrInvalidName), "a draft checks names")
		assert.Equal(t, maps.Collect(d.All()), map[string]int{"a": 2, "c": 2})
		assert.Equal(t, d.Names(), []string{"a", "c"})
		assert.Equal(t, d.Len(), 2)
		assert.Equal(t, d.Name(), "routes")
		_, err := d.Lookup("b")
		assert.True(t, errors.Is(err, roster.ErrUnknown), "a draft says what it does not have")
		assert.Equal(t, h.Names(), []string{"a", "b"}) // nobody else sees any of it
		return nil
	}))
	assert.Equal(t, maps.Collect(h.All()), map[string]int{"a": 2, "c": 2})
	assert.Equal(t, h.Version(), uint64(2))
	for _, err := range []error{leaked.Register("x", 1), leaked.Replace("a", 1), leaked.Unregister("a")} {
		assert.True(t, errors.Is(err, roster.ErrReleased), "a draft that is over refuses writes")
	}
	assert.Equal(t, h.Names(), []string{"a", "c"})
}

// However a transaction fails, nothing changes, what it brought is retired once,
// and what was there is not.
func TestTransactionRolledBack(t *testing.T) {
	t.Parallel()
	type transaction func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) error
	draft := func(t *testing.T, h *roster.Hot[*device], kept, fresh *device, end func() error) error {
		t.Helper()
		return h.Update(func(d *roster.Draft[*device]) error {
			assert.NoError(t, d.Replace("a", fresh))
			assert.NoError(t, d.Register("b", fresh)) // given twice
			assert.NoError(t, d.Register("moved", kept))
			return end()
		})
	}
	tests := map[string]transaction{
		"reload refused by the validator": func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) error {
			t.Helper()
			return h.Reload(map[string]*device{"a": fresh, "b": fresh, refusedName: kept})
		},
		"reload with a malformed name": func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) error {
			t.Helper()
			return h.Reload(map[string]*device{"a": fresh, "": fresh, "moved": kept})
		},
		"reload with a nil": func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) error {
			t.Helper()
			return h.Reload(map[string]*device{"a": fresh, "b": nil, "moved": kept})
		},
		"update refused by the validator": func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) error {
			t.Helper()
			return h.Update(func(d *roster.Draft[*device]) error {
				assert.NoError(t, d.Unregister("a"))
				return d.Register(refusedName, fresh)
			})
		},
		"update with an error": func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) error {
			t.Helper()
			return draft(t, h, kept, fresh, func() error { return errGivenUp })
		},
		"update with a panic": func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) (err error) {
			t.Helper()
			defer func() { err = recover().(error) }()
			return draft(t, h, kept, fresh, func() error { panic(errGivenUp) })
		},
		"update whose goroutine exits": func(t *testing.T, h *roster.Hot[*device], kept, fresh *device) error {
			t.Helper()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				draft(t, h, kept, fresh, func() error { runtime.Goexit(); return nil })
			}()
			<-ended
			return errGivenUp
		},
	}
	for name, fail := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := roster.NewHot[*device](quiet(), retireDevices(t), refusing())
			kept, fresh := newDevice(1), newDevice(2)
			h.Register("a", kept)
			if err := fail(t, h, kept, fresh); err == nil {
				t.Fatal("the transaction did not fail")
			}
			fresh.isRetired(t)
			drained(t, h)
			assert.True(t, kept.inUse(), "what was there is not retired")
			assert.Equal(t, h.Version(), uint64(1))
			assert.Equal(t, maps.Collect(h.All()), map[string]*device{"a": kept})
			assert.Equal(t, h.Stats().Reloads, []roster.Count{{Outcome: roster.Invalid, N: 1}})
			h.Register("b", newDevice(3)) // writers are not locked out
			drainAndClose(t, h)
			kept.isRetired(t)
		})
	}
}

func TestValidatorSeesTheNextVersion(t *testing.T) {
	t.Parallel()
	var asked []map[string]int
	h := roster.NewHot[int](roster.Named("routes"), quiet(), roster.Validate(func(next roster.View[int]) error {
		asked = append(asked, maps.Collect(next.All()))
		if v, _ := next.Get("a"); v < 0 {
			return errRefusedName
		}
		return nil
	}))
	h.Register("a", 1)
	refused := assert.ErrorAs[*roster.ValidationError](t, h.Replace("a", -1))
	written := line(t, 1)
	assert.True(t, errors.Is(refused, errRefusedName) && errors.Is(refused, roster.ErrRefused), "what the validator said")
	assert.Contains(t, refused.Error(), "routes", "nothing changed", errRefusedName.Error(), written)
	assert.NoError(t, h.Reload(map[string]int{"b": 1}))
	assert.Equal(t, asked, []map[string]int{{"a": 1}, {"a": -1}, {"b": 1}})
	assert.Equal(t, h.Version(), uint64(2))
}

// A value that is the same before and after is neither replaced nor retired,
// wherever else the reload puts it.
func TestReloadKeepsTheSame(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	same, moved, old, fresh := newDevice(1), newDevice(2), newDevice(3), newDevice(4)
	assert.NoError(t, h.Reload(map[string]*device{"same": same, "from": moved, "old": old}))
	assert.NoError(t, h.Reload(map[string]*device{"same": same, "to": moved, "old": fresh, "too": same}))
	old.isRetired(t)
	drained(t, h)
	assert.True(t, same.inUse() && moved.inUse() && fresh.inUse(), "what is there is not retired")
	for c := range h.Changes(t.Context(), 1) {
		assert.Equal(t, [][]string{c.Added, c.Replaced, c.Removed}, [][]string{{"to", "too"}, {"old"}, {"from"}})
		break
	}
	assert.NoError(t, h.Reload(map[string]*device{"same": same, "to": moved, "old": fresh, "too": same}))
	assert.Equal(t, h.Version(), uint64(2)) // nothing changed
	drainAndClose(t, h)
}

// A value that an update removes and gives in vain, or only for a moment, has
// two reasons to be retired and is retired once.
func TestUpdateRetiresOnce(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	old, other, brief := newDevice(1), newDevice(2), newDevice(3)
	assert.NoError(t, h.Reload(map[string]*device{"a": old, "b": other}))
	assert.NoError(t, h.Update(func(d *roster.Draft[*device]) error {
		assert.NoError(t, d.Unregister("a"))
		assert.True(t, errors.Is(d.Register("b", old), roster.ErrDuplicate), "b is taken")
		assert.NoError(t, d.Register("c", brief))
		return d.Replace("c", other)
	}))
	old.isRetired(t)
	brief.isRetired(t)
	drained(t, h)
	assert.Equal(t, maps.Collect(h.All()), map[string]*device{"b": other, "c": other})
	drainAndClose(t, h)
}

// Functions and the like have no identity, but a value that was just published is
// not one to retire.
func TestTransactionsOfValuesWithoutIdentity(t *testing.T) {
	t.Parallel()
	retired := make(map[string]int)
	h := roster.NewHot[func() int](quiet(), roster.OnRetire(func(name string, f func() int) error {
		retired[name] += f()
		return nil
	}))
	number := func(n int) func() int { return func() int { return n } }
	assert.NoError(t, h.Reload(map[string]func() int{"a": number(1), "b": number(10)}))
	drained(t, h)
	assert.Equal(t, retired, map[string]int{})
	assert.NoError(t, h.Update(func(d *roster.Draft[func() int]) error {
		assert.NoError(t, d.Replace("a", number(2)))
		return d.Replace("a", number(4))
	}))
	drained(t, h)
	assert.Equal(t, retired, map[string]int{"a": 1 + 2})
	assert.True(t, h.Reload(map[string]func() int{"a": number(8), "": number(100)}) != nil, "the reload fails")
	drained(t, h)
	assert.Equal(t, retired, map[string]int{"a": 1 + 2 + 8, "": 100})
	drainAndClose(t, h)
	assert.Equal(t, retired, map[string]int{"a": 1 + 2 + 8 + 4, "b": 10, "": 100})
}

// A validator judges the next version and cannot write to it.
func TestValidatorOnlyReads(t *testing.T) {
	t.Parallel()
	asked := 0
	h := roster.NewHot[int](quiet(), roster.Validate(func(next roster.View[int]) error {
		asked++
		_, writes := next.(interface {
			Register(name string, v int) error
		})
		assert.True(t, !writes, "the view has no method that writes")
		return nil
	}))
	h.Register("a", 1)
	assert.Equal(t, asked, 1)
}
