package collector_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/collector"
)

// A pool yields two numbers that belong together.
type pool struct{ busy, idle int }

func (*pool) Describe() []collector.Desc {
	return []collector.Desc{
		{Name: "pool_busy", Help: "connections in use"},
		{Name: "pool_idle", Help: "connections that wait for use"},
	}
}

func (p *pool) Collect(_ context.Context, emit func(name string, v float64)) error {
	emit("pool_busy", float64(p.busy))
	emit("pool_idle", float64(p.idle))
	return nil
}

func Example() {
	status := collector.New[float64](collector.With(roster.Named("status")))
	status.MustRegister(&pool{busy: 3, idle: 5})
	status.MustRegister(collector.Func("queue_depth", "jobs waiting", func(context.Context) (float64, error) {
		return 12, nil
	}))

	results, err := status.Gather(context.Background())
	for _, r := range results {
		fmt.Println(r.Name, r.Value, "("+r.Help+")")
	}
	fmt.Println(err)
	// Output:
	// pool_busy 3 (connections in use)
	// pool_idle 5 (connections that wait for use)
	// queue_depth 12 (jobs waiting)
	// <nil>
}

// Two parts of a program may both want a collector to be there.
func ExampleRegistry_Register() {
	status := collector.New[float64](collector.With(roster.Named("status")))
	shared := &pool{busy: 3}
	fmt.Println(status.Register(shared))

	err := status.Register(shared)
	if already, ok := errors.AsType[*collector.AlreadyRegisteredError[float64]](err); ok {
		fmt.Println("go on with the one there is:", already.Existing == shared)
	}

	// Another one has no business under these names.
	err = status.Register(&pool{})
	if clash, ok := errors.AsType[*roster.DuplicateError](err); ok {
		fmt.Printf("%s: %q belongs to the %s from %s\n", clash.Registry, clash.Name, clash.Existing.Type, clash.Existing.Site.Package)
	}
	// Output:
	// <nil>
	// go on with the one there is: true
	// status: "pool_busy" belongs to the *collector_test.pool from github.com/roster-go/roster/collector_test
}

func ExampleRegistry_Gather() {
	status := collector.New[float64](collector.With(roster.Named("status")))
	status.MustRegister(&pool{busy: 3, idle: 5})
	status.MustRegister(collector.Func("disk_free", "bytes", func(context.Context) (float64, error) {
		return 0, errors.New("the disk is away")
	}))
	status.MustRegister(collector.Func("queue_depth", "jobs waiting", func(context.Context) (float64, error) {
		jobs := map[string][]float64{}
		return jobs["new"][0], nil
	}))

	results, err := status.Gather(context.Background())
	fmt.Println(len(results), "values are there all the same")
	if failed, ok := errors.AsType[*collector.CollectError](err); ok {
		fmt.Println(failed.Names, "from", failed.Registered.Package+":", failed.Err)
	}
	if panicked, ok := errors.AsType[*roster.PanicError](err); ok {
		fmt.Println(panicked.Name, "panicked:", panicked.Value)
	}
	// Output:
	// 2 values are there all the same
	// [disk_free] from github.com/roster-go/roster/collector_test: the disk is away
	// queue_depth panicked: runtime error: index out of range [0] with length 0
}

func ExampleTimeout() {
	status := collector.New[float64](collector.With(roster.Named("status")), collector.Timeout(10*time.Millisecond))
	answer := make(chan float64)
	status.MustRegister(&pool{busy: 3, idle: 5})
	status.MustRegister(collector.Func("peer_lag", "seconds", func(context.Context) (float64, error) {
		return <-answer, nil // whatever its context says
	}))

	results, err := status.Gather(context.Background())
	fmt.Println(len(results), "values;", "late:", errors.Is(err, collector.ErrLate))

	answer <- 1
	fmt.Println(status.Close(context.Background())) // waits for it
	// Output:
	// 2 values; late: true
	// <nil>
}

func ExampleRegistry_Unregister() {
	status := collector.New[float64](collector.With(roster.Named("status")))
	old := &pool{busy: 3}
	status.MustRegister(old)

	fmt.Println(status.Unregister(old), status.Unregister(old), status.Names())
	status.MustRegister(&pool{busy: 1}) // the names are free
	fmt.Println(status.Names())
	// Output:
	// true false []
	// [pool_busy pool_idle]
}

func ExampleRegistry_Describe() {
	status := collector.New[float64](collector.With(roster.Named("status")))
	status.MustRegister(&pool{})
	for _, d := range status.Describe() {
		fmt.Println(d.Name+":", d.Help)
	}
	// Output:
	// pool_busy: connections in use
	// pool_idle: connections that wait for use
}

// The values may be of any type: here, the lines of a health page.
func ExampleFunc() {
	health := collector.New[string](collector.With(roster.Named("health")))
	health.MustRegister(
		collector.Func("database", "", func(context.Context) (string, error) { return "ok, 2 ms", nil }),
		collector.Func("cache", "", func(context.Context) (string, error) { return "ok, 80 % full", nil }),
	)
	results, _ := health.Gather(context.Background())
	for _, r := range results {
		fmt.Println(r.Name+":", r.Value)
	}
	// Output:
	// cache: ok, 80 % full
	// database: ok, 2 ms
}
