package misuse

import (
	"context"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/collector"
)

// Every verb and option that is refused elsewhere, where it belongs.
func fine() {
	ports := roster.New[int](
		roster.Named("ports"), roster.SealAtFirstUse(), roster.CollectConflicts(), roster.KeepIdentical(), roster.Unlisted())
	ports.Register("http", 80)
	_ = ports.TryRegister("https", 443)
	_ = ports.Override("http", 8080)
	ports.Seal()
	_ = ports.Verify()

	hot := roster.NewHot[int](roster.Named("limits"), roster.CloseRetired(), roster.Unlisted(),
		roster.Validate(func(roster.View[int]) error { return nil }),
		roster.OnRetire(func(string, int) error { return nil }),
		roster.ReportStuck(time.Second, func(*roster.StuckError) {}))
	hot.Register("free", 1)
	_ = hot.Replace("free", 2)
	_ = hot.Reload(map[string]int{"free": 3})
	_ = hot.Update(func(d *roster.Draft[int]) error { return d.Register("paid", 4) })
	_ = hot.Unregister("free")
	lease, _ := hot.Lease("paid")
	lease.Release()

	lazy := roster.NewLazy(func(context.Context, string) (int, error) { return 0, nil },
		roster.RetryAfter(time.Second), roster.CloseRetired(), roster.Unlisted())
	_, _ = lazy.Load(context.Background(), "free")

	scope := roster.NewScope(ports, roster.SealAtFirstUse(), roster.Unlisted())
	scope.Register("ssh", 22)
	_ = scope.Override("http", 81)

	pin := hot.Pin()
	defer pin.Release()
	for _, view := range []roster.View[int]{ports, hot, lazy, scope, pin, roster.Only(hot, "paid")} {
		_, _ = view.Get("http")
		_ = view.Names()
	}

	status := collector.New[float64](collector.With(roster.Named("status"), roster.Unlisted()))
	status.MustRegister(collector.Func("a", "", func(context.Context) (float64, error) { return 1, nil }))
}
