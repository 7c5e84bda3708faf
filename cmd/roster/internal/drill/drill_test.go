package drill

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeRegion replicates at once to those of its world that do not play dead.
type fakeRegion struct {
	world *fakeWorld
	name  string

	// Guarded by world.mu.
	held    map[string]string
	unsent  map[string]string
	playing *Playing
	deadFor time.Time
	running string
	ended   string

	silent bool // answers nothing
	leaky  bool // forgets what it had not sent when it failed
	deaf   bool // does not refuse while it plays dead
	stuck  bool // does not come back
	lag    int64
}

type fakeWorld struct {
	mu      sync.Mutex
	regions map[string]*fakeRegion
}

var errDead = errors.New("the region is drilled")

func newFakeWorld(names ...string) *fakeWorld {
	w := &fakeWorld{regions: make(map[string]*fakeRegion)}
	for _, name := range names {
		w.regions[name] = &fakeRegion{world: w, name: name, held: make(map[string]string), unsent: make(map[string]string)}
	}
	return w
}

func (w *fakeWorld) list() []Region {
	var list []Region
	for _, name := range slices.Sorted(maps.Keys(w.regions)) {
		list = append(list, w.regions[name])
	}
	return list
}

func (f *fakeRegion) Name() string { return f.name }

// dead is called under the mutex. It also ends the drill when its time is over.
func (f *fakeRegion) dead() bool {
	if f.playing != nil && !f.stuck && !time.Now().Before(f.deadFor) {
		f.revive()
	}
	return f.playing != nil
}

func (f *fakeRegion) revive() {
	f.playing = nil
	if f.leaky {
		clear(f.unsent)
	}
	for _, other := range f.world.regions {
		if other == f {
			continue
		}
		maps.Copy(other.held, f.unsent)
		maps.Copy(f.held, other.unsent)
		clear(other.unsent)
	}
	clear(f.unsent)
}

func (f *fakeRegion) put(key, value string) {
	f.held[key] = value
	for _, other := range f.world.regions {
		if other == f {
			continue
		}
		if f.playing != nil || other.dead() {
			f.unsent[key] = value
		} else {
			other.held[key] = value
		}
	}
}

func (f *fakeRegion) Standing(context.Context) (Standing, error) {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	if f.silent {
		return Standing{}, errors.New("no answer")
	}
	dead := f.dead()
	s := Standing{Region: f.name, Drilled: f.playing, Running: f.running}
	for name, other := range f.world.regions {
		if name != f.name {
			s.Peers = append(s.Peers, Peer{Region: name, Connected: !dead && !other.dead() && !other.silent, LagMillis: f.lag, Pending: len(f.unsent)})
		}
	}
	return s, nil
}

func (f *fakeRegion) Write(_ context.Context, key, value string) error {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	if f.dead() && !f.deaf {
		return errDead
	}
	f.put(key, value)
	return nil
}

func (f *fakeRegion) Read(context.Context, string) error {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	if f.dead() && !f.deaf {
		return errDead
	}
	return nil
}

func (f *fakeRegion) Held(context.Context) (map[string]string, error) {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	f.dead()
	return maps.Clone(f.held), nil
}

func (f *fakeRegion) Fail(_ context.Context, order Order) (Failed, error) {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	f.playing, f.deadFor = &Playing{ID: order.ID, By: order.By}, time.Now().Add(order.For)
	for _, key := range order.Strand {
		f.put(key, key)
	}
	return Failed{Stranded: order.Strand}, nil
}

func (f *fakeRegion) End(_ context.Context, id string) error {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	f.ended = id
	return nil
}

func (f *fakeRegion) Clean(context.Context) (int, error) {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	n := len(f.held)
	for _, region := range f.world.regions {
		clear(region.held)
	}
	return n, nil
}

func options() Options { return Options{Coordinator: "ap", Fail: "eu", For: 5 * time.Second} }

// A drill of regions that lose nothing says so, when reads and writes failed, and cleans up.
func TestNothingLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld("ap", "eu", "us")
		var said []string
		o := options()
		o.Progress = func(_ time.Duration, text string) { said = append(said, text) }
		o.Exercises = []Exercise{{
			Name: "move orders", Down: func(context.Context) (string, error) { return "moved", nil },
			Back: func(context.Context) (string, error) { return "refused", nil },
		}}
		report, err := Run(t.Context(), "d1", w.list(), o)
		if err != nil {
			t.Fatal(err)
		}
		if !report.OK || report.LostCount != 0 || report.Stranded != defaultStrand || report.ConvergedMillis < 5000 || report.ConvergedMillis > 5500 {
			t.Errorf("report: %+v", report)
		}
		for _, r := range report.Regions {
			for kind, a := range map[string]Access{"writes": r.Writes, "reads": r.Reads} {
				if r.Region != "eu" {
					if a.Failed > 0 || len(a.Outages) > 0 || a.Requests < 60 {
						t.Errorf("%s of %s: %+v", kind, r.Region, a)
					}
					continue
				}
				// Never too short, and too long by two intervals at most.
				if len(a.Outages) != 1 || a.Outages[0].DurationMillis < 4900 || a.Outages[0].DurationMillis > 5200 ||
					a.Outages[0].StartMillis < 0 || a.Outages[0].Error != errDead.Error() {
					t.Errorf("%s of eu: %+v", kind, a)
				}
			}
		}
		if n := len(w.regions["us"].held); n != 0 || report.Cleaned == 0 {
			t.Errorf("%d probe records are left, %d cleaned", n, report.Cleaned)
		}
		text := string(report.Markdown())
		for _, want := range []string{"NOTHING LOST", "| lost | 0 |", "| eu | writes |", "| ap | reads |", "move orders: moved; refused", "| eu | us |"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		if len(said) < 4 {
			t.Errorf("said %q", said)
		}
	})
}

// What is not right is found.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   func(*fakeWorld)
		verdict string
	}{
		"forgets what it had not sent": {func(w *fakeWorld) { w.regions["eu"].leaky = true }, "LOST: 5 "},
		"goes on serving":              {func(w *fakeWorld) { w.regions["eu"].deaf = true }, "NOT DRILLED"},
		"does not come back":           {func(w *fakeWorld) { w.regions["eu"].stuck = true }, "LOST"},
		"stays behind":                 {func(w *fakeWorld) { w.regions["us"].lag = 5000; w.regions["us"].unsent["x"] = "x" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld("ap", "eu", "us")
				c.fault(w)
				report, err := Run(t.Context(), "d1", w.list(), options())
				if err != nil {
					t.Fatal(err)
				}
				if c.verdict == "" { // what it waits for is sent when eu is back
					if !report.OK {
						t.Errorf("report: %+v", report)
					}
				} else if report.OK || !strings.HasPrefix(report.Verdict, c.verdict) {
					t.Errorf("the verdict: %s; %+v", report.Verdict, report.Lost)
				}
			})
		})
	}
}

// A drill is refused while something is in the way, unless it is forced.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change    func(*fakeWorld, *Options)
		want      string
		forceable bool
	}{
		"its own region":  {func(_ *fakeWorld, o *Options) { o.Fail = "ap" }, "daemon that is asked", true},
		"another is away": {func(w *fakeWorld, _ *Options) { w.regions["us"].silent = true }, "us does not answer", true},
		"it is away":      {func(w *fakeWorld, _ *Options) { w.regions["eu"].silent = true }, "cannot be told anything", false},
		"drilled already": {func(w *fakeWorld, _ *Options) {
			w.regions["us"].playing = &Playing{By: "eu"}
			w.regions["us"].stuck = true
		}, "us is drilled already, by eu", false},
		"another runs one":    {func(w *fakeWorld, _ *Options) { w.regions["us"].running = "d0" }, "runs a drill already", false},
		"nobody of that name": {func(_ *fakeWorld, o *Options) { o.Fail = "mars" }, "there are ap, eu, us", false},
		"too short":           {func(_ *fakeWorld, o *Options) { o.For = time.Millisecond }, "1s to 10m", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, o := newFakeWorld("ap", "eu", "us"), options()
				c.change(w, &o)
				_, err := Run(t.Context(), "d1", w.list(), o)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the error: %v", err)
				}
				var refused *RefusedError
				if errors.As(err, &refused) && refused.Forceable != c.forceable {
					t.Errorf("forceable: %v", err)
				}
				for _, r := range w.regions {
					if len(r.held) > 0 {
						t.Errorf("%s has probe records", r.name)
					}
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w, o := newFakeWorld("ap", "eu", "us"), options()
		o.Fail, o.Force = "ap", true
		if report, err := Run(t.Context(), "d1", w.list(), o); err != nil || !report.OK || len(report.Problems) != 1 {
			t.Errorf("forced: %+v, %v", report, err)
		}
	})
}

// Whoever is tired of it ends it, and the region is told.
func TestCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld("ap", "eu", "us")
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if _, err := Run(ctx, "d1", w.list(), options()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error: %v", err)
		}
		if eu := w.regions["eu"]; eu.ended != "d1" || len(eu.held) > 0 {
			t.Errorf("eu was told %q, and has %d probe records", eu.ended, len(eu.held))
		}
	})
}
