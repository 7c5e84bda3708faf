package roster_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

var errHook = errors.New("the hook failed")

// line is where the caller's caller is.
func line(t *testing.T, above int) string {
	t.Helper()
	_, file, n, ok := runtime.Caller(1)
	assert.True(t, ok, "the place is known")
	return fmt.Sprintf("%s:%d", file, n-above)
}

func TestDrainNamesTheHolders(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](roster.Named("routes"), quiet())
	assert.NoError(t, h.Reload(map[string]int{"a": 1, "b": 1}))
	p := h.Pin()
	pinned := line(t, 1)
	l, err := h.Lease("a")
	leased := line(t, 1)
	assert.NoError(t, err)
	owner := roster.NewOwner(0)
	owned := line(t, 1)
	labelled := h.PinFor(owner.For("GET /slow"))
	drained(t, h) // nothing is gone yet
	assert.NoError(t, h.Replace("a", 2))
	innocent := h.Pin() // sees nothing that is gone

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	stuck := assert.ErrorAs[*roster.StuckError](t, h.Drain(ctx))
	assert.True(t, errors.Is(stuck, context.DeadlineExceeded), "the error says why waiting ended")
	assert.Equal(t, stuck.Registry, "routes")
	assert.Equal(t, stuck.Values, 1)
	assert.Equal(t, len(stuck.Holders), 3)
	assert.Contains(t, stuck.Error(), "routes", "release",
		"pin of version 1 acquired at "+pinned, `lease of "a" acquired at `+leased,
		"pin of version 1 for GET /slow acquired at "+owned)
	for _, holder := range stuck.Holders {
		assert.Equal(t, holder.Kind == "pin", !holder.Superseded.IsZero())
		assert.Equal(t, holder.Version, uint64(1))
	}
	assert.Equal(t, len(h.Holders()), 4)

	l.Release()
	p.Release()
	labelled.Release()
	drained(t, h)
	innocent.Release()
}

// A pin between two values that wait, but of a version that has neither, does
// not hold anything up and must not be accused.
func TestDrainAccusesNobodyElse(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	h.Register("a", 1)
	first := h.Pin()
	assert.NoError(t, h.Replace("a", 2))
	between := h.Pin()
	h.Register("b", 1)
	second := h.Pin()
	assert.NoError(t, h.Replace("b", 2))
	var versions []uint64
	for _, holder := range stuck(t, h).Holders {
		versions = append(versions, holder.Version)
	}
	assert.Equal(t, versions, []uint64{1, 3})
	for _, p := range []roster.Pin[int]{first, between, second} {
		p.Release()
	}
	drained(t, h)
}

func TestDrainWaitsForTheLastRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := roster.NewHot[*device](roster.Unlisted(), retireDevices(t))
		p := newDevice(1)
		h.Register("a", p)
		pin := h.Pin()
		l, err := h.Lease("a")
		assert.NoError(t, err)
		assert.NoError(t, h.Unregister("a"))
		ended := make(chan error, 1)
		go func() { ended <- h.Drain(t.Context()) }()
		for _, release := range []func(){pin.Release, l.Release} {
			synctest.Wait()
			assert.Equal(t, len(ended), 0)
			assert.True(t, p.inUse(), "a value that is held is not retired")
			release()
		}
		assert.NoError(t, <-ended)
		assert.True(t, !p.inUse(), "it is retired when the drain ends")
	})
}

func TestDrainNamesAHookThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		h := roster.NewHot[int](roster.Unlisted(), roster.OnRetire(func(string, int) error {
			<-hang
			return nil
		}))
		h.Register("hanging", 1)
		assert.NoError(t, h.Unregister("hanging"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		stuck := assert.ErrorAs[*roster.StuckError](t, h.Drain(ctx))
		assert.Equal(t, stuck.Retiring, "hanging")
		assert.Equal(t, stuck.Values, 0)
		assert.Equal(t, len(stuck.Holders), 0)
		assert.Contains(t, stuck.Error(), `"hanging"`, "has not returned")
		close(hang)
		assert.NoError(t, h.Drain(t.Context()))
	})
}

// Whatever a hook does, its value counts as retired, the next one is retired,
// and the next drain that ends reports it, once.
func TestDrainReportsWhatHooksDid(t *testing.T) {
	t.Parallel()
	called := make(map[string]int) // the hook is called one at a time
	h := roster.NewHot[int](roster.Named("routes"), quiet(), roster.OnRetire(func(name string, _ int) error {
		called[name]++
		switch name {
		case "error":
			return errHook
		case "panic":
			panic(errHook)
		case "exit":
			runtime.Goexit()
		}
		return nil
	}))
	for _, name := range []string{"error", "panic", "exit", "fine"} {
		h.Register(name, 1)
		assert.NoError(t, h.Unregister(name))
		err := h.Drain(t.Context())
		assert.Equal(t, called[name], 1)
		switch name {
		case "error":
			assert.True(t, errors.Is(err, errHook), "the hook's error is reported")
		case "panic":
			caught := assert.ErrorAs[*roster.PanicError](t, err)
			assert.Equal(t, caught.Name, "panic")
			assert.True(t, errors.Is(err, errHook), "the value of the panic is the error's cause")
			assert.Contains(t, err.Error(), "routes", "drain_test.go")
		case "exit":
			assert.Contains(t, assert.ErrorAs[*roster.PanicError](t, err).Error(), "Goexit")
		default:
			assert.NoError(t, err)
		}
		assert.NoError(t, h.Drain(t.Context()))
	}
	assert.Equal(t, len(called), 4)
}

func TestReportStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan *roster.StuckError, 10)
		h := roster.NewHot[*device](roster.Unlisted(), retireDevices(t),
			roster.ReportStuck(time.Minute, func(e *roster.StuckError) { reports <- e }))
		h.Register("a", newDevice(1))
		p := h.Pin()
		pinned := line(t, 1)
		assert.NoError(t, h.Replace("a", newDevice(2)))
		time.Sleep(59 * time.Second)
		synctest.Wait()
		assert.Equal(t, len(reports), 0)
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, len(reports), 1)
		report := <-reports
		assert.Equal(t, report.Values, 1)
		assert.NoError(t, report.Err)
		assert.Contains(t, report.Error(), "pin of version 1 acquired at "+pinned)

		p.Release()
		l, err := h.Lease("a")
		assert.NoError(t, err)
		assert.NoError(t, h.Unregister("a"))
		time.Sleep(30 * time.Second)
		l.Release()
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, len(reports), 0) // released in time
	})
}

// A report is about values that are held, not about another one that happens to
// be retired when the time is up.
func TestReportStuckIsNotAboutHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := roster.NewHot[int](roster.Unlisted(), roster.OnRetire(func(name string, _ int) error {
			if name == "slow" {
				time.Sleep(time.Second)
			}
			return nil
		}), roster.ReportStuck(time.Minute, func(e *roster.StuckError) { t.Errorf("nothing is held, but: %v", e) }))
		h.Register("a", 1)
		h.Register("slow", 1)
		p := h.Pin()
		assert.NoError(t, h.Unregister("a"))
		p.Release()
		assert.NoError(t, h.Drain(t.Context()))
		time.Sleep(time.Minute - time.Second/2)
		assert.NoError(t, h.Unregister("slow"))
		time.Sleep(time.Hour)
		assert.NoError(t, h.Drain(t.Context()))
	})
}

type closer struct {
	closed int
	err    error
}

func (c *closer) Close() error {
	c.closed++
	return c.err
}

type silentCloser struct{ closed int }

func (c *silentCloser) Close() { c.closed++ }

func TestCloseRetired(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[any](quiet(), roster.CloseRetired())
	loud, silent := &closer{err: errHook}, &silentCloser{}
	assert.NoError(t, h.Reload(map[string]any{"loud": loud, "silent": silent, "again": silent, "plain": 1}))
	assert.NoError(t, h.Reload(map[string]any{"again": silent}))
	err := h.Drain(t.Context())
	assert.True(t, errors.Is(err, errHook), "the error of Close is reported")
	assert.Contains(t, err.Error(), `"loud"`)
	assert.Equal(t, [2]int{loud.closed, silent.closed}, [2]int{1, 0})
	assert.NoError(t, h.Close(t.Context()))
	assert.Equal(t, [2]int{loud.closed, silent.closed}, [2]int{1, 1})
}

func TestHotClose(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*device](roster.Named("routes"), quiet(), retireDevices(t))
	kept, refused, reloaded := newDevice(1), newDevice(2), newDevice(3)
	h.Register("a", kept)
	p := h.Pin()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := h.Close(ctx)
	closed := line(t, 1)
	assert.Equal(t, len(assert.ErrorAs[*roster.StuckError](t, err).Holders), 1)
	assert.Equal(t, h.Len(), 0)
	v, ok := p.Get("a")
	assert.True(t, ok && v.inUse(), "what is pinned stays")
	for _, write := range []func() error{
		func() error { return h.TryRegister("b", refused) },
		func() error { return h.Replace("a", refused) },
		func() error { return h.Unregister("a") },
		func() error { return h.Reload(map[string]*device{"c": reloaded}) },
		func() error { return h.Update(func(*roster.Draft[*device]) error { return nil }) },
	} {
		sealed := assert.ErrorAs[*roster.SealedError](t, write())
		assert.Contains(t, sealed.Error(), "routes", closed)
		assert.Contains(t, sealed.Site.String(), "drain_test.go")
	}
	assert.True(t, refused.inUse(), "a refused value stays the caller's")
	reloaded.isRetired(t)
	version := h.Version()
	p.Release()
	assert.NoError(t, h.Close(t.Context()))
	kept.isRetired(t)
	assert.Equal(t, h.Version(), version)
	assert.Equal(t, h.Names(), []string{})
}
