package collector_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/collector"
	"github.com/roster-go/roster/internal/assert"
)

// scripted does in Collect what a test wants.
type scripted struct {
	names   []string
	collect func(ctx context.Context, emit func(string, int)) error
}

func (s *scripted) Describe() []collector.Desc { return describe(s.names...) }

func (s *scripted) Collect(ctx context.Context, emit func(string, int)) error {
	return s.collect(ctx, emit)
}

func script(collect func(ctx context.Context, emit func(string, int)) error, names ...string) *scripted {
	return &scripted{names: names, collect: collect}
}

// failures are the errors of a Gather.
func failures(t *testing.T, err error) []*collector.CollectError {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	assert.True(t, ok, "joined errors")
	var failed []*collector.CollectError
	for _, err := range joined.Unwrap() {
		failed = append(failed, assert.ErrorAs[*collector.CollectError](t, err))
	}
	return failed
}

func TestFaultsAreContained(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	for name, test := range map[string]struct {
		collect func(ctx context.Context, emit func(string, int)) error
		says    func(err error) bool
	}{
		"error": {
			func(context.Context, func(string, int)) error { return errBroken },
			func(err error) bool { return errors.Is(err, errBroken) },
		},
		"panic": {
			func(context.Context, func(string, int)) error { panic("oh no") },
			func(err error) bool {
				e, ok := errors.AsType[*roster.PanicError](err)
				return ok && e.Value == "oh no" && e.Name == "a" && strings.Contains(string(e.Stack), "gather_test.go")
			},
		},
		"panic with an error": {
			func(context.Context, func(string, int)) error { panic(errBroken) },
			func(err error) bool { return errors.Is(err, errBroken) },
		},
		"goexit": {
			func(context.Context, func(string, int)) error { runtime.Goexit(); return nil },
			func(err error) bool { return strings.Contains(err.Error(), "runtime.Goexit") },
		},
		"undescribed": {
			func(_ context.Context, emit func(string, int)) error { emit("aa", 5); emit("q", 6); return nil },
			func(err error) bool {
				e, ok := errors.AsType[*collector.UndescribedError](err)
				return ok && errors.Is(err, collector.ErrUndescribed) &&
					reflect.DeepEqual(*e, collector.UndescribedError{Name: "aa", Nearest: []string{"a"}, Dropped: 2})
			},
		},
		"another's name": {
			func(_ context.Context, emit func(string, int)) error { emit("other", 5); return nil },
			func(err error) bool {
				e, ok := errors.AsType[*collector.UndescribedError](err)
				return ok && e.Name == "other"
			},
		},
		"repeated": {
			func(_ context.Context, emit func(string, int)) error { emit("a", 5); emit("a", 6); return nil },
			func(err error) bool {
				e, ok := errors.AsType[*collector.RepeatedError](err)
				return ok && errors.Is(err, collector.ErrRepeated) && *e == collector.RepeatedError{Name: "a", Dropped: 2}
			},
		},
		"all of it": {
			func(_ context.Context, emit func(string, int)) error { emit("a", 5); emit("q", 6); panic(errBroken) },
			func(err error) bool {
				return errors.Is(err, errBroken) && errors.Is(err, collector.ErrUndescribed) && errors.Is(err, collector.ErrRepeated)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := collector.New[int](quiet())
			r.MustRegister(gauge(1, "other"))
			faulty := script(func(ctx context.Context, emit func(string, int)) error {
				emit("a", 4)
				return test.collect(ctx, emit)
			}, "b", "a")
			assert.NoError(t, r.Register(faulty))
			results, err := r.Gather(t.Context())
			assert.Equal(t, byName(results), map[string]int{"other": 1, "a": 4})

			failed := failures(t, err)
			assert.Equal(t, len(failed), 1)
			assert.Equal(t, failed[0].Registry, "status")
			assert.Equal(t, failed[0].Collector, "*collector_test.scripted")
			assert.Equal(t, failed[0].Names, []string{"a", "b"})
			assert.Equal(t, filepath.Base(failed[0].Registered.File), "gather_test.go")
			assert.Contains(t, failed[0].Error(), failed[0].Registered.String(), "a, b")
			assert.True(t, test.says(failed[0].Err), "another error than "+failed[0].Err.Error())
		})
	}
}

func TestErrorsAreSortedByName(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	for _, name := range []string{"c", "a", "b"} {
		r.MustRegister(collector.Func(name, "", func(context.Context) (int, error) { return 0, errors.New("broken") }))
	}
	_, err := r.Gather(t.Context())
	var names []string
	for _, e := range failures(t, err) {
		names = append(names, e.Names...)
	}
	assert.Equal(t, names, []string{"a", "b", "c"})
}

// A collector that heeds its context is not late: it says itself what happened.
func TestTheDeadlineReachesCollectors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := collector.New[int](quiet(), collector.Timeout(time.Minute))
		r.MustRegister(gauge(1, "quick"), script(func(ctx context.Context, emit func(string, int)) error {
			emit("slow", 2)
			<-ctx.Done()
			return context.Cause(ctx)
		}, "slow"))

		start := time.Now()
		results, err := r.Gather(t.Context())
		assert.Equal(t, time.Since(start), time.Minute)
		assert.Equal(t, byName(results), map[string]int{"quick": 1, "slow": 2})
		assert.True(t, errors.Is(err, context.DeadlineExceeded), "the deadline of the collector")
		assert.True(t, !errors.Is(err, collector.ErrLate), "it was not late")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = r.Gather(ctx)
		assert.Equal(t, time.Since(start), time.Second)
		assert.True(t, errors.Is(err, context.DeadlineExceeded), "the deadline of Gather")

		why := errors.New("the page was closed")
		ctx, stop := context.WithCancelCause(t.Context())
		stop(why)
		results, err = r.Gather(ctx)
		assert.Equal(t, len(results), 0)
		assert.Equal(t, len(failures(t, err)), 2)
		assert.True(t, errors.Is(err, why), "the cause")
		assert.Contains(t, err.Error(), "it was not called")
	})
}

// Close waits for a Gather's collectors, and a Gather that is under way calls no
// more of them.
func TestCloseDuringGather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := collector.New[int](quiet(), collector.AtOnce(1))
		release := make(chan struct{})
		r.MustRegister(script(func(_ context.Context, emit func(string, int)) error {
			<-release
			emit("a", 1)
			return nil
		}, "a"), gauge(2, "b"))
		gathered := make(chan error, 1)
		go func() {
			results, err := r.Gather(t.Context())
			if got := byName(results); got["a"] != 1 || len(got) != 1 {
				t.Error(got)
			}
			gathered <- err
		}()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- r.Close(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-closed:
			t.Fatal("Close did not wait:", err)
		default:
		}
		close(release)
		assert.NoError(t, <-closed)
		err := <-gathered
		assert.True(t, errors.Is(err, roster.ErrSealed), "b was not called")
		assert.Equal(t, failures(t, err)[0].Names, []string{"b"})

		sealed := assert.ErrorAs[*roster.SealedError](t, r.Register(gauge(3, "c")))
		assert.Equal(t, sealed.Name, "c")
		assert.Equal(t, filepath.Base(sealed.Site.File), "gather_test.go")
		assert.Equal(t, filepath.Base(sealed.Sealed.File), "gather_test.go")
	})
}

func TestGatherCallsNoMoreThanTheBound(t *testing.T) {
	t.Parallel()
	for _, bound := range []int{-1, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			r := collector.New[int](quiet(), collector.AtOnce(bound))
			var now, most atomic.Int32
			for name := range strings.SplitSeq("abcdefgh", "") {
				r.MustRegister(collector.Func(name, "", func(context.Context) (int, error) {
					n := now.Add(1)
					for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return 1, nil
				}))
			}
			start := time.Now()
			assert.Equal(t, len(values(t, r)), 8)
			want := max(bound, 1)
			assert.Equal(t, int(most.Load()), want)
			assert.Equal(t, time.Since(start), time.Duration((8+want-1)/want)*time.Second)
		})
	}
}

// Without a bound of its own, a collector has the time that Gather has.
func TestNoTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := collector.New[int](quiet(), collector.Timeout(0))
		r.MustRegister(collector.Func("a", "", func(ctx context.Context) (int, error) {
			_, limited := ctx.Deadline()
			assert.True(t, !limited, "no deadline")
			time.Sleep(time.Hour)
			return 1, nil
		}))
		assert.Equal(t, values(t, r), map[string]int{"a": 1})
	})
}

// A collector may use the registry that it is in, and emit from several
// goroutines.
func TestCollectorsMayUseTheRegistry(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	extra := gauge(2, "extra")
	r.MustRegister(script(func(_ context.Context, emit func(string, int)) error {
		if err := r.Register(extra); err != nil {
			return err
		}
		emitted := make(chan struct{})
		go func() { defer close(emitted); emit("a", len(r.Names())) }()
		emit("b", len(r.Describe()))
		<-emitted
		return nil
	}, "a", "b"))
	assert.Equal(t, values(t, r), map[string]int{"a": 3, "b": 3})
	assert.True(t, r.Unregister(extra), "it was registered")
}

// TestErrorTexts compares the texts people read with a golden file. Set
// UPDATE_GOLDEN to accept a change.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	var b strings.Builder
	note := func(situation string, err error) { b.WriteString("== " + situation + "\n" + err.Error() + "\n\n") }
	g := gauge(1, "queue_depth", "queue_age", "queue_fails", "queue_rate")
	r.MustRegister(g)
	note("registered already", r.Register(g))
	note("name taken", r.Register(gauge(2, "queue_age", "jobs")))
	note("two names taken", r.Register(gauge(2, "queue_age", "queue_rate")))
	note("nil", r.Register(nil))
	note("typed nil", r.Register((*gauges)(nil)))
	note("describes nothing", r.Register(gauge(1)))
	note("describes twice", r.Register(gauge(1, "jobs", "jobs")))
	note("malformed name", r.Register(gauge(1, " jobs")))
	r.MustRegister(script(func(_ context.Context, emit func(string, int)) error {
		emit("job", 1)
		emit("jobs", 1)
		emit("jobs", 2)
		return errors.New("connection refused")
	}, "jobs"))
	_, err := r.Gather(t.Context())
	note("faults", err)
	failed := failures(t, err)[0]
	failed.Err = &collector.LateError{Running: 10*time.Second + 100*time.Millisecond, Cause: context.DeadlineExceeded}
	note("late", failed)
	failed.Err = &collector.LateError{Running: 25 * time.Second, Earlier: true}
	note("late before", failed)
	assert.NoError(t, r.Close(t.Context()))
	note("closed", r.Register(g))

	// Keep what does not depend on where the tree lies.
	text := regexp.MustCompile(`\S*/(\w+\.go):\d+`).ReplaceAllString(b.String(), "$1:N")
	golden := filepath.Join("testdata", "errors.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		assert.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
	}
	want, err := os.ReadFile(golden)
	assert.NoError(t, err)
	assert.Equal(t, text, string(want))
}

func TestASuspendedCollectorIsNotCalled(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := collector.New[int](collector.With(roster.In(d), roster.Named("gauges")))
	var calls atomic.Int64
	assert.NoError(t, r.Register(script(func(_ context.Context, emit func(string, int)) error {
		calls.Add(1)
		emit("a", 1)
		return nil
	}, "a", "b")))
	assert.NoError(t, r.Register(gauge(2, "c")))
	d.Suspend("gauges", "b", errors.New("it is slow"))
	results, err := r.Gather(t.Context())
	assert.True(t, errors.Is(failures(t, err)[0], roster.ErrSuspended), "why it was not called")
	assert.Equal(t, byName(results), map[string]int{"c": 2})
	assert.Equal(t, calls.Load(), int64(0))
	d.Resume("gauges", "b")
	results, err = r.Gather(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, byName(results)["a"], 1)
}
