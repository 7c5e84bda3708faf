package roster_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

var errUnsafe = errors.New("it writes outside of its buffer")

// refused fails the test unless view gives name out in no way.
func refused(t *testing.T, what string, view roster.View[int], name string) {
	t.Helper()
	v, ok := view.Get(name)
	assert.True(t, !ok && v == 0, what+": Get finds nothing")
	_, err := view.Lookup(name)
	suspended, ok := errors.AsType[*roster.SuspendedError](err)
	if !ok {
		t.Fatalf("%s: Lookup gives %v, want a SuspendedError", what, err)
	}
	assert.Equal(t, suspended.Name, name)
	assert.True(t, errors.Is(err, roster.ErrSuspended) && errors.Is(err, errUnsafe) && !errors.Is(err, roster.ErrUnknown),
		what+": the error is what it is")
	assert.True(t, !suspended.Since.IsZero(), "since when")
	assert.True(t, !slices.Contains(view.Names(), name), what+": Names leaves it out")
	n := 0
	for listed := range view.All() {
		assert.True(t, listed != name, what+": All leaves it out")
		n++
	}
	assert.Equal(t, view.Len(), n)
	assert.Equal(t, len(view.Names()), n)
}

func given(t *testing.T, what string, view roster.View[int], name string, want int) {
	t.Helper()
	v, err := view.Lookup(name)
	assert.NoError(t, err)
	got, ok := view.Get(name)
	assert.True(t, ok && v == want && got == want, what+": it gives "+name+" out")
	assert.True(t, slices.Contains(view.Names(), name), what+": Names has it")
}

// views are all ways to look a name up in registries called codecs of d.
func views(t *testing.T, d *roster.Directory) map[string]roster.View[int] {
	t.Helper()
	r := roster.New[int](roster.In(d), roster.Named("codecs"))
	h := roster.NewHot[int](roster.In(d), roster.Named("codecs"))
	x := roster.NewIndexed(func(int, *roster.Edition[int]) (int, error) { return 0, nil }, roster.In(d), roster.Named("codecs"))
	l := roster.NewLazy(func(_ context.Context, name string) (int, error) {
		return map[string]int{"gob": 1, "json": 2}[name], nil
	}, roster.In(d), roster.Named("codecs"))
	for _, w := range []interface{ Register(name string, v int) }{r, h, x} {
		w.Register("gob", 1)
		w.Register("json", 2)
	}
	for _, name := range []string{"gob", "json"} { // or is loaded while it is suspended
		_, _ = l.Lookup(name)
	}
	s := roster.NewScope[int](h, roster.In(d), roster.Named("codecs of one tenant"))
	s.Register("own", 3)
	pin := h.Pin()
	t.Cleanup(pin.Release)
	return map[string]roster.View[int]{
		"Registry": r, "Hot": h, "Indexed": x, "Lazy": l, "Scope": s, "Pin": pin,
		"Only": roster.Only[int](h, "gob", "json"), "Scope of a pin": roster.NewScope[int](pin, roster.Unlisted()),
	}
}

func TestSuspendedNamesAreNotGivenOut(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	all := views(t, d)
	d.Suspend("codecs", "gob", errUnsafe)
	for what, v := range views(t, d) {
		all[what+" created afterwards"] = v
	}
	for what, v := range all {
		refused(t, what, v, "gob")
		given(t, what, v, "json", 2)
	}
	assert.True(t, d.Resume("codecs", "gob"), "it is resumed")
	for what, v := range all {
		given(t, what, v, "gob", 1)
		given(t, what, v, "json", 2)
	}
	assert.True(t, !d.Resume("codecs", "gob"), "it was resumed before")
	assert.Equal(t, len(d.Suspensions()), 0)
}

func TestSuspensionIsNoWrite(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := roster.New[int](roster.In(d), roster.Named("codecs"))
	h := roster.NewHot[int](roster.In(d), roster.Named("codecs"))
	r.Register("gob", 1)
	h.Register("gob", 1)
	r.Seal()
	before := []roster.EntryInfo{first(r), first(h)}
	versions := []uint64{r.Info().Version, h.Info().Version}
	d.Suspend("codecs", "gob", errUnsafe)
	for i, reg := range []roster.Inspector{r, h} {
		e := first(reg)
		assert.Equal(t, e.Suspended.Why, errUnsafe)
		assert.True(t, strings.HasSuffix(e.Suspended.By().File, "suspend_test.go"), "who suspended it")
		assert.Equal(t, e.Registered, before[i].Registered)
		assert.Equal(t, reg.Info().Version, versions[i])
		assert.Equal(t, [2]int{reg.Info().Size, reg.Info().Suspended}, [2]int{0, 1})
	}
	d.Resume("codecs", "gob")
	assert.Equal(t, []roster.EntryInfo{first(r), first(h)}, before)
	assert.Equal(t, h.Version(), versions[1])
}

func first(reg roster.Inspector) roster.EntryInfo {
	for e := range reg.Entries() {
		return e
	}
	return roster.EntryInfo{}
}

func TestWritesWhileSuspendedTakeEffectAndStayHidden(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := roster.New[int](roster.In(d), roster.Named("codecs"))
	h := roster.NewHot[int](roster.In(d), roster.Named("codecs"))
	d.Suspend("codecs", "gob", errUnsafe)
	r.Register("gob", 1)
	h.Register("gob", 1)
	refused(t, "Registry", r, "gob")
	refused(t, "Hot", h, "gob")
	assert.True(t, errors.Is(r.TryRegister("gob", 2), roster.ErrDuplicate), "the name is taken")
	assert.True(t, errors.Is(h.TryRegister("gob", 2), roster.ErrDuplicate), "the name is taken")
	assert.NoError(t, h.Replace("gob", 3))
	assert.NoError(t, h.Update(func(draft *roster.Draft[int]) error {
		v, _ := draft.Get("gob")
		assert.Equal(t, v, 3)
		return draft.Register("json", 2)
	}))
	s := roster.NewScope[int](h, roster.In(d), roster.Named("tenant"))
	assert.True(t, errors.Is(s.TryRegister("gob", 5), roster.ErrDuplicate), "the parent has the name")
	refused(t, "Hot", h, "gob")
	d.Resume("codecs", "gob")
	given(t, "Registry", r, "gob", 1)
	given(t, "Hot", h, "gob", 3)

	d.Suspend("codecs", "gob", errUnsafe)
	assert.NoError(t, h.Reload(map[string]int{"json": 2}))
	d.Resume("codecs", "gob")
	_, err := h.Lookup("gob")
	assert.True(t, errors.Is(err, roster.ErrUnknown), "what was removed meanwhile does not come back")
}

func TestScopesAndSuspension(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	parent := roster.New[int](roster.In(d), roster.Named("codecs"))
	parent.Register("gob", 1)
	parent.Register("json", 2)
	s := roster.NewScope[int](parent, roster.In(d), roster.Named("tenant"))
	assert.NoError(t, s.Override("gob", 10))
	d.Suspend("codecs", "gob", errUnsafe)
	given(t, "a scope that shadows what is suspended", s, "gob", 10)
	d.Suspend("tenant", "gob", errUnsafe)
	d.Suspend("tenant", "json", errUnsafe)
	d.Resume("codecs", "gob")
	refused(t, "a scope whose own entry is suspended", s, "gob")
	refused(t, "a scope with a name that its parent has", s, "json")
	given(t, "the parent", parent, "gob", 1)
}

func TestLazyDoesNotLoadWhatIsSuspended(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	var loads atomic.Int64
	enter, leave := make(chan struct{}), make(chan struct{})
	l := roster.NewLazy(func(_ context.Context, name string) (int, error) {
		loads.Add(1)
		if name == "slow" {
			close(enter)
			<-leave
		}
		return len(name), nil
	}, roster.In(d), roster.Named("codecs"))
	d.Suspend("codecs", "gob", errUnsafe)
	refused(t, "Lazy", l, "gob")
	_, err := l.Lease(t.Context(), "gob")
	assert.True(t, errors.Is(err, roster.ErrSuspended), "nor leased")
	assert.Equal(t, loads.Load(), int64(0))

	failed := make(chan error)
	go func() {
		_, err := l.Load(t.Context(), "slow")
		failed <- err
	}()
	<-enter
	d.Suspend("codecs", "slow", errUnsafe)
	close(leave)
	assert.True(t, errors.Is(<-failed, roster.ErrSuspended), "what comes after the suspension is not given out")
	assert.Eventually(t, func() bool { return l.Info().Suspended == 1 }, "it is kept")
	_, err = l.Lease(t.Context(), "slow")
	assert.True(t, errors.Is(err, roster.ErrSuspended), "what is loaded is not leased")
	d.Resume("codecs", "slow")
	given(t, "Lazy", l, "slow", 4)
	assert.Equal(t, loads.Load(), int64(1))
}

func TestHoldersKeepWhatIsSuspended(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	h := roster.NewHot[*device](roster.In(d), roster.Named("devices"), retireDevices(t))
	one := newDevice(1)
	h.Register("one", one)
	lease, err := h.Lease("one")
	assert.NoError(t, err)
	d.Suspend("devices", "one", errUnsafe)
	pin := h.Pin()
	assert.True(t, lease.Value() == one && one.inUse(), "a lease keeps its value")
	assert.NoError(t, h.Unregister("one"))
	lease.Release()
	assert.True(t, one.inUse(), "a pin of a version in which it was suspended keeps it")
	d.Resume("devices", "one")
	got, ok := pin.Get("one")
	assert.True(t, ok && got == one, "the pin has it when it is resumed")
	pin.Release()
	one.isRetired(t)
	assert.NoError(t, h.Close(t.Context()))
}

func TestRefusedLookupsAreCountedApart(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	all := views(t, d)
	before := d.Totals()[0].Stats
	d.Suspend("codecs", "gob", errUnsafe)
	for _, what := range []string{"Registry", "Hot", "Lazy", "Pin", "Scope", "Only"} {
		_, _ = all[what].Get("gob")
		_, _ = all[what].Lookup("gob")
	}
	for _, c := range d.Totals()[0].Lookups {
		switch {
		case c.Outcome == roster.Refused:
			assert.Equal(t, c, roster.Count{Name: "gob", Outcome: roster.Refused, N: 12})
		case !slices.Contains(before.Lookups, c):
			t.Errorf("a lookup that is refused counts as %v", c)
		}
	}
	runtime.KeepAlive(all)
}

func TestASuspensionSaysWhy(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := roster.New[int](roster.In(d), roster.Named("codecs"))
	d.Suspend("codecs", "gob", nil)
	since := d.Suspensions()[0].Since
	_, err := r.Lookup("gob")
	assert.Equal(t, err.Error(), fmt.Sprintf(`roster: codecs: "gob" is suspended since %s and not given out until it is resumed: no reason was given`,
		since.UTC().Format(time.RFC3339)))
	d.Suspend("codecs", "gob", errUnsafe)
	d.Suspend("codecs", "asn1", errUnsafe)
	list := d.Suspensions()
	assert.Equal(t, []string{list[0].Name, list[1].Name}, []string{"asn1", "gob"})
	assert.Equal(t, list[1].Since, since)
	refused(t, "Registry", r, "gob")
	assert.NoError(t, r.Suspended("json"))
	assert.True(t, errors.Is(r.Suspended("gob"), errUnsafe), "whoever found it otherwise is told")
}

// A kill must not wait for code that somebody else wrote.
func TestSuspendDoesNotWaitForWriters(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	h := roster.NewHot[int](roster.In(d), roster.Named("codecs"))
	h.Register("gob", 1)
	assert.NoError(t, h.Update(func(draft *roster.Draft[int]) error {
		d.Suspend("codecs", "gob", errUnsafe) // would wait for ever
		roster.NewHot[int](roster.In(d), roster.Named("codecs"))
		refused(t, "Hot", h, "gob")
		return draft.Replace("gob", 2)
	}))
	refused(t, "Hot", h, "gob")
	d.Resume("codecs", "gob")
	given(t, "Hot", h, "gob", 2)
}

// Writers, readers, pins and suspensions at once. After Suspend returned no
// lookup that starts may find the name, whatever is written meanwhile.
func TestSuspendConcurrentSafe(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	h := roster.NewHot[*device](roster.In(d), roster.Named("codecs"), retireDevices(t))
	r := roster.New[int](roster.In(d), roster.Named("codecs"))
	r.Register("target", 1)
	h.Register("target", newDevice(0))
	h.Register("other", newDevice(0))
	old := h.Pin()
	var killed atomic.Int64 // odd while the name is certainly suspended; counts
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !stop.Load(); i++ {
			if err := h.Replace("target", newDevice(i)); err != nil {
				t.Error(err)
			}
			if err := h.Reload(map[string]*device{"target": newDevice(i), "other": newDevice(i), strconv.Itoa(i): newDevice(i)}); err != nil {
				t.Error(err)
			}
			if i < 1000 {
				r.Register(strconv.Itoa(i), i)
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				before := killed.Load()
				pin := h.Pin()
				_, inHot := h.Get("target")
				_, inPin := pin.Get("target")
				_, inOld := old.Get("target")
				_, inRegistry := r.Get("target")
				lease, err := h.Lease("target")
				if err == nil {
					if !lease.Value().inUse() {
						t.Error("a leased device is retired")
					}
					lease.Release()
				}
				if _, ok := h.Get("other"); !ok {
					t.Error("a name that was never suspended is not found")
				}
				pin.Release()
				if before%2 == 1 && killed.Load() == before && (inHot || inPin || inOld || inRegistry || err == nil) {
					t.Errorf("found while suspended: hot %t, pin %t, old pin %t, registry %t, lease %v", inHot, inPin, inOld, inRegistry, err)
				}
			}
		})
	}
	for range 2_000 {
		d.Suspend("codecs", "target", errUnsafe)
		killed.Add(1)
		runtime.Gosched()
		killed.Add(1)
		d.Resume("codecs", "target")
	}
	stop.Store(true)
	wg.Wait()
	old.Release()
	_, ok := h.Get("target")
	assert.True(t, ok, "it is back")
	assert.NoError(t, h.Close(t.Context()))
}
