package discovery_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
)

// runFor runs a view over source for a while, or until it is ready if that is zero.
func runCopy(t *testing.T, path string, source discovery.Source, while func(v *discovery.View)) {
	t.Helper()
	v := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.KeepCopy(path))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx, source) }()
	<-v.Ready()
	while(v)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
}

func TestCopyServesWithoutTheStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "view")
	store := discovery.NewMemory(time.Minute)
	want := []discovery.Instance{
		{Service: "mail", ID: "a", Address: "10.0.0.1:1", Zone: "z", Metadata: map[string]string{"weight": "3"}},
		{Service: "mail", ID: "b", Address: "10.0.0.2:1", Draining: true},
		{Service: "news", ID: "a", Address: "10.0.0.1:2", Version: "v1"},
	}
	if _, err := store.Announce(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	runCopy(t, path, store, func(v *discovery.View) {
		if s := v.Status(); s.FromCopy || s.Stale || s.CopyErr != nil {
			t.Errorf("with the store: %+v", s)
		}
	})
	saved := time.Now()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the copy: %v, %v", info, err)
	}

	away := discovery.NewMemory(time.Minute)
	away.Interrupt(errors.New("the store is on fire"))
	runCopy(t, path, away, func(v *discovery.View) {
		s := v.Status()
		if !s.FromCopy || !s.Stale || !s.Ready || s.Instances != 3 || s.Err == nil || !strings.Contains(s.Err.Error(), "on fire") {
			t.Errorf("without the store: %+v", s)
		}
		if s.StaleSince.After(saved) || saved.Sub(s.StaleSince) > time.Minute {
			t.Errorf("stale since %v, the copy is of %v", s.StaleSince, saved)
		}
		if got := append(v.Get("mail"), v.Get("news")...); len(got) != 3 || !got[0].Equal(want[0]) || !got[1].Equal(want[1]) || !got[2].Equal(want[2]) {
			t.Errorf("from the copy: %v", got)
		}
		away.Resume() // the store is back, and empty
		for v.Status().Stale {
			time.Sleep(time.Millisecond)
		}
		if s := v.Status(); s.FromCopy || s.Instances != 0 {
			t.Errorf("after the store came back: %+v", s)
		}
	})
}

func TestCopyThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	good := filepath.Join(t.TempDir(), "view")
	store := discovery.NewMemory(time.Minute)
	if _, err := store.Announce(t.Context(), []discovery.Instance{{Service: "mail", ID: "a", Address: "10.0.0.1:1"}}); err != nil {
		t.Fatal(err)
	}
	runCopy(t, good, store, func(*discovery.View) {})
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"empty":        {},
		"cut off":      text[:len(text)-5],
		"one bit":      bytes.Replace(text, []byte("10.0.0.1"), []byte("10.0.0.2"), 1),
		"other format": bytes.Replace(text, []byte(`"roster_view":1`), []byte(`"roster_view":9`), 1),
		"no JSON":      []byte("hello\nworld\n"),
	} {
		path := filepath.Join(t.TempDir(), "view")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		v := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.KeepCopy(path))
		away := discovery.NewMemory(time.Minute)
		away.Interrupt(nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = v.Run(ctx, away) }()
		for v.Status().CopyErr == nil {
			time.Sleep(time.Millisecond)
		}
		s := v.Status()
		var fault *discovery.CopyError
		if !errors.As(s.CopyErr, &fault) || fault.Path != path || s.Ready || s.FromCopy || s.Instances != 0 {
			t.Errorf("%s: %+v", name, s)
		}
		cancel()
		<-ended
	}
}

// A folder that cannot be written to costs the copy, not the view.
func TestCopyWithoutAPlace(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	store := discovery.NewMemory(time.Minute)
	if _, err := store.Announce(t.Context(), []discovery.Instance{{Service: "mail", ID: "a", Address: "10.0.0.1:1"}}); err != nil {
		t.Fatal(err)
	}
	runCopy(t, filepath.Join(file, "view"), store, func(v *discovery.View) {
		for v.Status().CopyErr == nil {
			time.Sleep(time.Millisecond)
		}
		if len(v.Get("mail")) != 1 {
			t.Error("the view does not serve")
		}
	})
}

// The time of a copy is when the view was last known to be current, also if it is written
// while the view is stale: a change may still arrive then.
func TestCopyWrittenWhileStaleIsAsOldAsTheView(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "view")
	synctest.Test(t, func(t *testing.T) {
		source := script(func(ctx context.Context, sink discovery.Sink) error {
			sink.Sync(1, []discovery.Instance{at("mail", "a", "x:1")})
			sink.Stale(errors.New("away"))
			time.Sleep(90 * time.Second)
			sink.Apply(2, []discovery.Change{put(at("mail", "b", "x:1"))})
			<-ctx.Done()
			return context.Cause(ctx)
		})
		runCopy(t, path, source, func(v *discovery.View) {
			time.Sleep(2 * time.Minute)
			since := v.Status().StaleSince
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if age := info.ModTime().Sub(since); age > time.Millisecond || age < -time.Second {
				t.Errorf("the view is stale since %v, and the copy says %v", since, info.ModTime())
			}
		})
	})
}
