package subject_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/subject"
)

// bg is the context of tests that need none.
var bg = context.Background()

func newBus(opts ...roster.HotOption) *subject.Bus[int] {
	return subject.New[int](append(opts, roster.Unlisted())...)
}

func ignore(context.Context, subject.Message[int]) error { return nil }

// The cases that NATS documents for its subjects, and those it leaves open.
func TestSubjectsMatchAsInNATS(t *testing.T) {
	for _, c := range []struct {
		pattern, subject string
		match            bool
	}{
		{"time.us.east", "time.us.east", true},
		{"time.us.east", "time.us", false},
		{"time.us", "time.us.east", false},
		{"time.*.east", "time.us.east", true},
		{"time.*.east", "time.eu.east", true},
		{"time.*.east", "time.us.west", false},
		{"time.*.east", "time.us.east.atlanta", false},
		{"time.*.east", "time.east", false},
		{"time.us.>", "time.us.east", true},
		{"time.us.>", "time.us.east.atlanta", true},
		{"time.us.>", "time.us", false},
		{"*.*.east.>", "time.us.east.atlanta", true},
		{"*.*.east.>", "time.us.east", false},
		{"*", "time", true},
		{"*", "time.us", false},
		{">", "time", true},
		{">", "time.us.east", true},
		{"*.>", "time", false},
		{"*.>", "time.us", true},
		{"Time.us", "time.us", false},
		{"foo*", "foo*", true},
		{"foo*", "foobar", false},
		{"a.b*.c", "a.bx.c", false},
		{"a.>b", "a.>b", true},
		{"a.>b", "a.x", false},
		{"größe.*", "größe.ü", true},
		{"_INBOX.$x.*", "_INBOX.$x.1", true},
	} {
		bus := newBus()
		s := bus.Subscribe(c.pattern, ignore)
		assert.Equal(t, fmt.Sprint(c.pattern, c.subject, subject.Match(c.pattern, c.subject)), fmt.Sprint(c.pattern, c.subject, c.match))
		taken, err := bus.Publish(bg, c.subject, 0)
		assert.NoError(t, err)
		assert.Equal(t, taken == 1, c.match)
		assert.Equal(t, slices.Contains(slices.Collect(bus.Matching(c.subject)), s), c.match)
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a.*", "*.b", true}, {"a.*.c", "a.b", false}, {"a.>", "*.b.c", true}, {"a.>", "a", false},
		{"a.*", "b.>", false}, {">", "*", true}, {"a.b", "a.b", true}, {"a.", "a.b", false}, {"a.*.>", "a.b", false},
	} {
		assert.Equal(t, fmt.Sprint(c, subject.Overlap(c.a, c.b), subject.Overlap(c.b, c.a)), fmt.Sprint(c, c.want, c.want))
	}
}

func TestMalformedInputIsRefused(t *testing.T) {
	bus := newBus(roster.Named("events"))
	for _, c := range []struct{ pattern, fault string }{
		{"", "it is empty"},
		{".", "a token is empty"},
		{"a..b", "a token is empty"},
		{".a", "a token is empty"},
		{"a.", "a token is empty"},
		{"a b", "white space, U+0020"},
		{"a.\t", "white space, U+0009"},
		{"a.\x00", "does not print"},
		{"a.\xff", "not valid UTF-8"},
		{"a.>.b", "can only be the last one"},
		{">.a", "can only be the last one"},
		{strings.Repeat("a.", 512) + "a", "it has 1025 bytes, the limit is 1024"},
	} {
		_, err := bus.TrySubscribe(c.pattern, ignore)
		invalid := assert.ErrorAs[*subject.InvalidError](t, err)
		assert.Contains(t, err.Error(), "roster: events: pattern", c.fault, "subscribed at ", "subject_test.go")
		assert.True(t, errors.Is(err, roster.ErrInvalidName), "it is an invalid name")
		assert.Equal(t, invalid.Text, c.pattern)
		_, err = bus.Publish(bg, c.pattern, 0)
		assert.Equal(t, assert.ErrorAs[*subject.InvalidError](t, err).What, "subject")
		assert.Equal(t, len(slices.Collect(bus.Matching(c.pattern))), 0)
	}
	for _, wild := range []string{"*", ">", "a.*", "a.>", "*.a"} {
		_, err := bus.Publish(bg, wild, 0)
		assert.Contains(t, fmt.Sprint(err), "is a wildcard, and a message goes to one subject")
		assert.NoError(t, subject.CheckPattern(wild))
		assert.True(t, subject.CheckSubject(wild) != nil, wild)
	}
	for _, opt := range []subject.Option{
		subject.Buffer(0, subject.Block), subject.Buffer(subject.MaxBuffer+1, subject.Block), subject.Buffer(1, 0), subject.Buffer(1, 9),
		subject.Queue(""), subject.Queue("a b"), subject.Queue(strings.Repeat("q", 1025)),
	} {
		_, err := bus.TrySubscribe("a", ignore, opt)
		assert.ErrorAs[*subject.InvalidError](t, err)
	}
	_, err := bus.TrySubscribe("a", nil)
	assert.Equal(t, assert.ErrorAs[*subject.InvalidError](t, err).What, "handler")
	_, err = bus.TrySubscribe("a", ignore, subject.Name(" "))
	assert.ErrorAs[*roster.NameError](t, err)
	assert.Equal(t, bus.Subscriptions().Len(), 0)
	assert.ErrorAs[*subject.InvalidError](t, assert.Panics(t, func() { bus.Subscribe("..", ignore) }).(error))
}

// A subscription is an entry like any other: with a name, a place, a count, and a
// clash that shows both sides.
func TestSubscriptionsAreEntries(t *testing.T) {
	dir := roster.NewDirectory()
	bus := subject.New[int](roster.Named("events"), roster.In(dir))
	bus.Subscribe("orders.>", ignore)
	bus.Subscribe("orders.*", ignore, subject.Queue("workers"))
	audit := bus.Subscribe("orders.*", ignore, subject.Name("audit"))
	_, err := bus.TrySubscribe("x", ignore, subject.Name("audit"))
	assert.Contains(t, assert.ErrorAs[*roster.DuplicateError](t, err).Error(), "audit", "subject_test.go")
	assert.Equal(t, bus.Subscriptions().Names(), []string{"audit", "orders.*@workers#2", "orders.>#1"})
	assert.Contains(t, audit.Site().String(), "subject_test.go")
	for range 3 {
		taken, err := bus.Publish(bg, "orders.created", 1)
		assert.NoError(t, err)
		assert.Equal(t, taken, 3)
	}
	taken, err := bus.Publish(bg, "nobody", 1)
	assert.Equal(t, fmt.Sprint(taken, err), "0 <nil>")
	assert.Equal(t, len(dir.Registries()), 1)
	assert.Equal(t, fmt.Sprint(dir.Registries()[0].Stats().Lookups),
		"[{audit hit 3} {nobody miss 1} {orders.*@workers#2 hit 3} {orders.>#1 hit 3}]")
	_, err = bus.TrySubscribe("x", ignore, subject.Name("x#3"))
	assert.Contains(t, assert.ErrorAs[*subject.InvalidError](t, err).Error(), "like those that the bus makes")
	assert.Equal(t, bus.Subscribe("x", ignore, subject.Name("#x")).Name(), "#x")
	long := bus.Subscribe(strings.Repeat("ü", 300), ignore)
	assert.True(t, len(long.Name()) < roster.MaxNameLen, "a long pattern makes no long name")
}

func TestErrorsOfInlineHandlersReachThePublisher(t *testing.T) {
	bus := newBus(roster.Named("events"))
	bad := errors.New("no disk")
	bus.Subscribe("a", func(context.Context, subject.Message[int]) error { return bad }, subject.Name("failing"))
	bus.Subscribe("a", func(context.Context, subject.Message[int]) error { panic("oops") }, subject.Name("panicking"))
	good := bus.Subscribe("a", ignore)
	taken, err := bus.Publish(bg, "a", 1)
	assert.Equal(t, taken, 3)
	assert.True(t, errors.Is(err, bad), "the handler's error is in it")
	assert.Equal(t, assert.ErrorAs[*roster.PanicError](t, err).Value, "oops")
	assert.Contains(t, err.Error(), `roster: events: message to "a" for "failing", subscribed at `, "subject_test.go", "no disk")
	assert.Equal(t, good.Stats(), subject.Stats{Handled: 1})
	for _, s := range bus.Subscriptions().All() {
		if s != good {
			assert.Equal(t, s.Stats(), subject.Stats{Failed: 1})
		}
	}
}

// A held handler takes one message; behind it the queue of two fills up, and each
// policy does with the fifth message what it says.
func TestPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		policy subject.Policy
		want   string
	}{
		"drop newest": {subject.DropNewest, "taken 0 handled [1 2 3 5] dropped 1 err <nil>"},
		"drop oldest": {subject.DropOldest, "taken 1 handled [1 3 4 5] dropped 1 err <nil>"},
		"evict":       {subject.Evict, "taken 0 handled [1 2 3] dropped 1 err evicted"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := newBus()
				var reported []error
				bus.OnError = func(err *subject.DeliveryError) { reported = append(reported, err) }
				hold := make(chan struct{})
				var handled []int
				s := bus.Subscribe("a.>", func(_ context.Context, m subject.Message[int]) error {
					<-hold
					handled = append(handled, m.Value)
					return nil
				}, subject.Buffer(2, c.policy))
				publish(t, bus, "a.b", 1)
				synctest.Wait() // it is with the handler
				publish(t, bus, "a.b", 2)
				publish(t, bus, "a.b", 3)
				taken := publish(t, bus, "a.b", 4)
				close(hold)
				synctest.Wait()
				publish(t, bus, "a.b", 5)
				synctest.Wait()
				how := "<nil>"
				if err := s.Err(); err != nil {
					evicted := assert.ErrorAs[*subject.EvictedError](t, err)
					assert.True(t, errors.Is(err, subject.ErrClosed), "it is closed")
					assert.Equal(t, evicted.Pending, 2)
					assert.Contains(t, err.Error(), "was evicted: 2 messages were waiting when one to \"a.b\" came", "subject_test.go")
					assert.Equal(t, len(reported), 1)
					assert.True(t, errors.Is(reported[0], err), "it is reported")
					<-s.Done()
					assert.Equal(t, bus.Subscriptions().Len(), 0)
					how = "evicted"
				}
				got := fmt.Sprint("taken ", taken, " handled ", handled, " dropped ", s.Stats().Dropped, " err ", how)
				assert.Equal(t, got, c.want)
				assert.NoError(t, bus.Close(bg))
			})
		})
	}
}

func TestBlockedPublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := newBus()
		hold := make(chan struct{})
		var handled []int
		s := bus.Subscribe("a", func(_ context.Context, m subject.Message[int]) error {
			<-hold
			handled = append(handled, m.Value)
			return nil
		}, subject.Buffer(1, subject.Block))
		publish(t, bus, "a", 1)
		synctest.Wait()
		publish(t, bus, "a", 2) // fills the queue

		short, cancel := context.WithTimeoutCause(bg, time.Second, errors.New("too late"))
		defer cancel()
		taken, err := bus.Publish(short, "a", 3)
		assert.Equal(t, taken, 0)
		assert.ErrorAs[*subject.DeliveryError](t, err)
		assert.Contains(t, err.Error(), "too late")

		results := make(chan int, 10)
		for i := range 10 {
			go func() { results <- publish(t, bus, "a", 10+i) }()
		}
		synctest.Wait()
		assert.Equal(t, len(results), 0)
		close(hold)
		for range 10 {
			assert.Equal(t, <-results, 1)
		}
		synctest.Wait()
		assert.Equal(t, handled[:2], []int{1, 2})
		assert.Equal(t, s.Stats(), subject.Stats{Handled: 12})

		// A publisher that waits when the subscription ends is let go.
		hold = make(chan struct{})
		publish(t, bus, "a", 1)
		synctest.Wait()
		publish(t, bus, "a", 2)
		go func() { results <- publish(t, bus, "a", 3) }()
		synctest.Wait()
		s.Unsubscribe()
		assert.Equal(t, <-results, 0)
		close(hold)
		<-s.Done()
		assert.Equal(t, s.Stats(), subject.Stats{Handled: 13, Dropped: 1})
	})
}

func TestOrderForOnePublisher(t *testing.T) {
	bus := newBus()
	const publishers, each = 8, 2_000
	last := make([]int, publishers)
	s := bus.Subscribe("p.*", func(_ context.Context, m subject.Message[int]) error {
		p, n := m.Value/each, m.Value%each
		if n != last[p] {
			return fmt.Errorf("publisher %d: %d comes when %d is due", p, n, last[p])
		}
		last[p]++
		return nil
	}, subject.Buffer(16, subject.Block))
	var failed error
	bus.OnError = func(err *subject.DeliveryError) { failed = err }
	done := make(chan error, publishers)
	for p := range publishers {
		go func() {
			for n := range each {
				if taken, err := bus.Publish(bg, fmt.Sprint("p.", p), p*each+n); taken != 1 || err != nil {
					done <- fmt.Errorf("%d taken, %w", taken, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range publishers {
		assert.NoError(t, <-done)
	}
	assert.NoError(t, bus.Close(bg))
	assert.NoError(t, failed)
	assert.Equal(t, s.Stats(), subject.Stats{Handled: publishers * each})
}

// A handler with a buffer that panics, fails, or ends its goroutine goes on with
// the next message.
func TestFaultyHandlersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := newBus()
		var reported []string
		bus.OnError = func(err *subject.DeliveryError) { reported = append(reported, err.Err.Error()) }
		s := bus.Subscribe("a", func(_ context.Context, m subject.Message[int]) error {
			switch m.Value {
			case 0:
				panic("oops")
			case 1:
				return errors.New("failed")
			case 2:
				runtime.Goexit()
			}
			return nil
		}, subject.Buffer(10, subject.Block), subject.Name("s"))
		for i := range 6 {
			publish(t, bus, "a", i%4)
		}
		assert.NoError(t, s.Drain(bg))
		assert.Equal(t, s.Stats(), subject.Stats{Handled: 1, Failed: 5})
		assert.Equal(t, len(reported), 4) // a goroutine that ends says nothing
		assert.Contains(t, reported[0], "oops")
		assert.Equal(t, reported[1], "failed")
		assert.NoError(t, bus.Close(bg))
	})
}

func TestHandlerMayUnsubscribeItself(t *testing.T) {
	for name, opts := range map[string][]subject.Option{"inline": nil, "buffered": {subject.Buffer(4, subject.Block)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := newBus()
				var s *subject.Subscription[int]
				calls := 0
				s = bus.Subscribe("a", func(context.Context, subject.Message[int]) error {
					calls++
					s.Unsubscribe()
					s.Unsubscribe()
					return nil
				}, opts...)
				for range 3 {
					publish(t, bus, "a", 0)
				}
				<-s.Done()
				assert.NoError(t, s.Err())
				assert.Equal(t, calls, 1)
				assert.Equal(t, s.Stats().Handled, uint64(1))
				assert.NoError(t, s.Drain(bg))
				assert.Contains(t, fmt.Sprint(s.Replace(ignore)), "closed")
			})
		})
	}
}

func TestQueueGroups(t *testing.T) {
	bus := newBus()
	counts := map[string]int{}
	count := func(who string) subject.Handler[int] {
		return func(context.Context, subject.Message[int]) error { counts[who]++; return nil }
	}
	bus.Subscribe("a.*", count("w1"), subject.Queue("workers"))
	bus.Subscribe("a.*", count("w2"), subject.Queue("workers"))
	w3 := bus.Subscribe("a.>", count("w3"), subject.Queue("workers")) // the same group, by another pattern
	bus.Subscribe("a.b", count("other"), subject.Queue("others"))
	bus.Subscribe("a.b", count("each"))
	const n = 3_000
	for range n {
		assert.Equal(t, publish(t, bus, "a.b", 0), 3)
	}
	assert.Equal(t, counts["w1"]+counts["w2"]+counts["w3"], n)
	assert.Equal(t, []int{counts["other"], counts["each"]}, []int{n, n})
	for _, w := range []string{"w1", "w2", "w3"} {
		assert.True(t, counts[w] > n/4 && counts[w] < n/2, fmt.Sprintf("%s has a fair share, not %d", w, counts[w]))
	}
	assert.Equal(t, len(slices.Collect(bus.Matching("a.b"))), 5)
	w3.Unsubscribe()
	assert.Equal(t, publish(t, bus, "a.b.c", 0), 0)
}

// A member without room is passed over while another one has some.
func TestQueueGroupPrefersRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := newBus()
		hold := make(chan struct{})
		stuck := bus.Subscribe("a", func(context.Context, subject.Message[int]) error { <-hold; return nil },
			subject.Queue("q"), subject.Buffer(1, subject.Block))
		free := bus.Subscribe("a", ignore, subject.Queue("q"))
		for range 100 {
			assert.Equal(t, publish(t, bus, "a", 0), 1)
			synctest.Wait()
		}
		assert.Equal(t, stuck.Stats(), subject.Stats{Running: 1, Pending: 1})
		assert.Equal(t, free.Stats().Handled, uint64(98))
		free.Unsubscribe()
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		_, err := bus.Publish(ctx, "a", 0)
		assert.True(t, errors.Is(err, context.DeadlineExceeded), "now it has to wait")
		close(hold)
		assert.NoError(t, bus.Close(bg))
	})
}

func TestDrainAndCloseNameTheStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := newBus(roster.Named("events"))
		var ended error
		bus.Subscribe("a", func(ctx context.Context, _ subject.Message[int]) error {
			<-ctx.Done() // not the publisher's, which is over by now
			ended = context.Cause(ctx)
			return nil
		}, subject.Buffer(8, subject.Block), subject.Name("slow"))
		quick := bus.Subscribe("a", ignore, subject.Buffer(8, subject.Block))
		publishing, done := context.WithCancel(bg)
		for range 3 {
			_, err := bus.Publish(publishing, "a", 1)
			assert.NoError(t, err)
		}
		done()
		ctx, cancel := context.WithTimeout(bg, time.Minute)
		defer cancel()
		err := bus.Close(ctx)
		stuck := assert.ErrorAs[*subject.StuckError](t, err)
		assert.Equal(t, []int{stuck.Running, stuck.Dropped}, []int{1, 2})
		assert.True(t, errors.Is(err, context.DeadlineExceeded), "the cause is in it")
		assert.Contains(t, err.Error(), `roster: events: "slow", subscribed at `, "subject_test.go", "1 calls of its handler have not returned, 2 messages are dropped")
		assert.NoError(t, bus.Close(bg)) // the handler was told, and returned
		assert.ErrorAs[*subject.StuckError](t, ended)
		assert.Equal(t, quick.Stats().Handled, uint64(3))

		_, err = bus.Publish(bg, "a", 1)
		assert.True(t, errors.Is(err, subject.ErrClosed), "no messages any more")
		_, err = bus.TrySubscribe("a", ignore)
		assert.True(t, errors.Is(err, subject.ErrClosed), "no subscriptions any more")
	})
}

type traceKey struct{}

func TestQueuedHandlersSeeThePublishersValues(t *testing.T) {
	bus := newBus()
	got := make(chan any, 1)
	bus.Subscribe("a", func(ctx context.Context, _ subject.Message[int]) error {
		got <- ctx.Value(traceKey{})
		return nil
	}, subject.Buffer(1, subject.Block))
	_, err := bus.Publish(context.WithValue(bg, traceKey{}, "trace 7"), "a", 1)
	assert.NoError(t, err)
	assert.Equal(t, <-got, any("trace 7"))
	assert.NoError(t, bus.Close(bg))
}

// What waits goes to the new handler in order, nothing is lost or handled twice,
// and the change feed tells of it.
func TestReplaceHandler(t *testing.T) {
	bus := newBus()
	hold := make(chan struct{})
	var order []string
	s := bus.Subscribe("a", func(_ context.Context, m subject.Message[int]) error {
		<-hold
		order = append(order, fmt.Sprint("old ", m.Value))
		return nil
	}, subject.Buffer(8, subject.Block), subject.Name("s"))
	publish(t, bus, "a", 1)
	for s.Stats().Running == 0 {
		runtime.Gosched()
	}
	publish(t, bus, "a", 2)
	assert.NoError(t, s.Replace(func(_ context.Context, m subject.Message[int]) error {
		order = append(order, fmt.Sprint("new ", m.Value))
		return nil
	}))
	assert.ErrorAs[*subject.InvalidError](t, s.Replace(nil))
	publish(t, bus, "a", 3)
	close(hold)
	assert.NoError(t, bus.Close(bg))
	assert.Equal(t, order, []string{"old 1", "new 2", "new 3"})
}

func TestMatchingAndPublishingDoNotAllocate(t *testing.T) {
	bus := newBus()
	for i := range 1_000 {
		bus.Subscribe(fmt.Sprintf("orders.%d.created", i), ignore)
		bus.Subscribe(fmt.Sprintf("orders.%d.*", i), ignore, subject.Queue("q"))
	}
	bus.Subscribe("orders.>", ignore)
	n := 0
	assert.Equal(t, testing.AllocsPerRun(100, func() {
		for range bus.Matching("orders.77.created") {
			n++
		}
	}), 0)
	assert.Equal(t, n, 3*101)
	assert.Equal(t, testing.AllocsPerRun(100, func() { publish(t, bus, "orders.77.created", 1) }), 0)
}

func TestManySubscriptions(t *testing.T) {
	bus := newBus(roster.Uncounted())
	const n = 100_000
	for i := range n {
		bus.Subscribe(fmt.Sprintf("a.%d.%d", i%100, i), ignore)
	}
	same := newBus(roster.Uncounted())
	for range 10_000 {
		same.Subscribe("a", ignore)
	}
	assert.Equal(t, publish(t, same, "a", 1), 10_000)
	assert.Equal(t, publish(t, bus, "a.7.107", 1), 1)
	assert.NoError(t, bus.Close(bg))
	assert.NoError(t, same.Close(bg))
}

func publish(t *testing.T, bus *subject.Bus[int], to string, v int) int {
	t.Helper()
	taken, err := bus.Publish(bg, to, v)
	assert.NoError(t, err)
	return taken
}
