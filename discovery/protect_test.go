package discovery_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
)

func protected(t *testing.T, p discovery.Protection) (*discovery.View, *discovery.Memory) {
	t.Helper()
	store := discovery.NewMemory(30 * time.Second)
	v := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.Protect(p))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = v.Run(ctx, store) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-v.Ready()
	return v, store
}

func announceN(t *testing.T, store *discovery.Memory, from, to int) []*discovery.MemoryAnnouncement {
	t.Helper()
	var list []*discovery.MemoryAnnouncement
	for n := from; n < to; n++ {
		a, err := store.Announce(t.Context(), []discovery.Instance{{Service: "mail", ID: strconv.Itoa(n), Address: "10.0.0.1:1"}})
		if err != nil {
			t.Fatal(err)
		}
		memory, ok := a.(*discovery.MemoryAnnouncement)
		if !ok {
			t.Fatalf("%T", a)
		}
		list = append(list, memory)
	}
	return list
}

func TestProtectHoldsBackAMassExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, store := protected(t, discovery.Protection{})
		all := announceN(t, store, 0, 20)
		synctest.Wait()
		for _, a := range all[:3] { // too few to be a mass
			a.Abandon()
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if s := v.Status(); s.Instances != 17 || !s.Protecting.IsZero() {
			t.Fatalf("after three expired: %+v", s)
		}
		for _, a := range all[3:9] { // with the three of the same minute, a mass
			a.Abandon()
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		s := v.Status()
		if s.Protecting.IsZero() || s.Held < 6 || s.Instances != 11+s.Held {
			t.Fatalf("after a mass expiry: %+v", s)
		}
		// One that takes leave in order goes although the view is protected.
		if err := all[10].Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := v.Status().Instances; got != s.Instances-1 {
			t.Errorf("%d instances after one left, want %d", got, s.Instances-1)
		}
		// They come back: protection ends when the rest is no mass any more.
		announceN(t, store, 3, 9)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s := v.Status(); !s.Protecting.IsZero() || s.Held != 0 || s.Instances != 16 {
			t.Errorf("after most came back: %+v", s)
		}
	})
}

func TestProtectLetsGoInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, store := protected(t, discovery.Protection{Hold: 5 * time.Minute})
		for _, a := range announceN(t, store, 0, 10) {
			a.Abandon()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := v.Status(); s.Instances != 10 || s.Held != 10 {
			t.Fatalf("after all expired: %+v", s)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if s := v.Status(); s.Instances != 0 || s.Held != 0 || !s.Protecting.IsZero() {
			t.Errorf("after the time to hold: %+v", s)
		}
	})
}

func TestReleaseEndsProtection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, store := protected(t, discovery.Protection{})
		for _, a := range announceN(t, store, 0, 10) {
			a.Abandon()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		v.Release()
		if s := v.Status(); s.Instances != 0 || s.Held != 0 || !s.Protecting.IsZero() {
			t.Errorf("after Release: %+v", s)
		}
	})
}

// A fleet that was replaced while nobody looked is no mass expiry, nor is one that a copy
// from disk remembers.
func TestProtectKnowsReplacedFromLost(t *testing.T) {
	t.Parallel()
	list := func(prefix string, n int) []discovery.Instance {
		var all []discovery.Instance
		for i := range n {
			all = append(all, discovery.Instance{Service: "mail", ID: prefix + strconv.Itoa(i), Address: "10.0.0.1:1"})
		}
		return all
	}
	v := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.Protect(discovery.Protection{}))
	v.Sync(1, list("a", 10))
	v.Stale(errors.New("cut off"))
	v.Sync(2, list("b", 10))
	if s := v.Status(); s.Instances != 10 || s.Held != 0 {
		t.Errorf("after all were replaced: %+v", s)
	}
	v.Sync(3, list("b", 2))
	if s := v.Status(); s.Instances != 10 || s.Held != 8 {
		t.Errorf("after eight of ten were lost: %+v", s)
	}
	v.Sync(4, list("b", 10))
	if s := v.Status(); s.Instances != 10 || s.Held != 0 {
		t.Errorf("after they came back: %+v", s)
	}
}

// A view that starts from its copy protects what the copy has, if the copy is not too old.
func TestProtectOfACopy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		age  time.Duration
		held int
	}{{time.Minute, 10}, {11 * time.Minute, 0}} {
		path := filepath.Join(t.TempDir(), "view")
		store := discovery.NewMemory(time.Minute)
		announceN(t, store, 0, 10)
		runCopy(t, path, store, func(*discovery.View) {})
		at := time.Now().Add(-c.age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		v := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.KeepCopy(path), discovery.Protect(discovery.Protection{}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = v.Run(ctx, discovery.NewMemory(time.Minute)) }() // all are gone
		<-v.Ready()
		if s := v.Status(); s.Instances != c.held || s.Held != c.held {
			t.Errorf("with a copy that is %v old: %+v", c.age, s)
		}
		cancel()
		<-ended
	}
}

// A restart of the reader does not lengthen the time for which an instance is held back.
func TestProtectHoldsAcrossARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "view")
	synctest.Test(t, func(t *testing.T) {
		var all []discovery.Instance
		for n := range 10 {
			all = append(all, at("mail", strconv.Itoa(n), "x:1"))
		}
		run := func(source script, opts ...discovery.ViewOption) (v *discovery.View, stop func()) {
			v = discovery.NewView(append(opts, discovery.In(roster.NewDirectory()), discovery.KeepCopy(path))...)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _ = v.Run(ctx, source) }()
			synctest.Wait()
			return v, func() { cancel(); <-ended }
		}
		two := func(ctx context.Context, sink discovery.Sink) error {
			sink.Sync(3, all[:2])
			<-ctx.Done()
			return context.Cause(ctx)
		}
		protect := discovery.Protect(discovery.Protection{Hold: 10 * time.Minute})
		v, stop := run(func(ctx context.Context, sink discovery.Sink) error {
			sink.Sync(1, all)
			time.Sleep(5 * time.Second) // the copy is written
			sink.Sync(2, all[:2])
			<-ctx.Done()
			return context.Cause(ctx)
		}, protect)
		time.Sleep(6 * time.Minute)
		if s := v.Status(); s.Held != 8 {
			t.Fatalf("eight of ten expired: %+v", s)
		}
		stop()

		v, stop = run(two, protect)
		time.Sleep(3 * time.Minute) // 9 min after they expired
		if s := v.Status(); s.Held != 8 || s.Instances != 10 || time.Since(s.Protecting) < 8*time.Minute {
			t.Errorf("after a restart: %+v", s)
		}
		time.Sleep(2 * time.Minute)
		if s := v.Status(); s.Held != 0 || s.Instances != 2 || !s.Protecting.IsZero() {
			t.Errorf("11 min after they expired: %+v", s)
		}
		stop()
	})
}

// A view without protection does not show what another one held back.
func TestCopyOfAProtectedViewWithoutProtection(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "view")
	var all []discovery.Instance
	for n := range 10 {
		all = append(all, at("mail", strconv.Itoa(n), "x:1"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	v := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.KeepCopy(path), discovery.Protect(discovery.Protection{}))
	_ = v.Run(ctx, script(func(ctx context.Context, sink discovery.Sink) error {
		sink.Sync(1, all)
		sink.Sync(2, all[:2])
		cancel()
		return context.Cause(ctx)
	}))
	for _, left := range []string{"view.123.new", "other.123.new"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(filepath.Dir(path), left), old, old); err != nil {
			t.Fatal(err)
		}
	}
	away := script(func(ctx context.Context, sink discovery.Sink) error {
		sink.Stale(errors.New("away"))
		<-ctx.Done()
		return context.Cause(ctx)
	})
	runCopy(t, path, away, func(v *discovery.View) {
		if s := v.Status(); s.Instances != 2 || !s.FromCopy {
			t.Errorf("without protection: %+v", s)
		}
	})
	// What a write that was cut off had left is gone, and what is another's is not.
	files, err := filepath.Glob(path[:len(path)-len("view")] + "*")
	if err != nil || len(files) != 2 {
		t.Errorf("files: %v, %v", files, err)
	}
}
