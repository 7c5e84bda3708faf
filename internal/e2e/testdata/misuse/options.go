package misuse

import (
	"context"
	"time"

	"github.com/roster-go/roster"
)

// An option that a lifecycle has no use for is not one of its options.
func options() {
	load := func(context.Context, string) (int, error) { return 0, nil }
	validate := roster.Validate(func(roster.View[int]) error { return nil })
	onRetire := roster.OnRetire(func(string, int) error { return nil })

	_ = roster.New[int](roster.CloseRetired())                   // want `roster\.ChangingOption does not implement roster\.RegistryOption \(missing method forRegistry\)`
	_ = roster.New[int](onRetire)                                // want `does not implement roster\.RegistryOption`
	_ = roster.New[int](validate)                                // want `roster\.HotOption does not implement roster\.RegistryOption`
	_ = roster.New[int](roster.ReportStuck(time.Second, nil))    // want `does not implement roster\.RegistryOption`
	_ = roster.New[int](roster.RetryAfter(0))                    // want `roster\.LazyOption does not implement roster\.RegistryOption`
	_ = roster.NewHot[int](roster.SealAtFirstUse())              // want `roster\.RegistryOption does not implement roster\.HotOption \(missing method forHot\)`
	_ = roster.NewHot[int](roster.CollectConflicts())            // want `does not implement roster\.HotOption`
	_ = roster.NewHot[int](roster.KeepIdentical())               // want `does not implement roster\.HotOption`
	_ = roster.NewHot[int](roster.RetryAfter(time.Second))       // want `roster\.LazyOption does not implement roster\.HotOption`
	_ = roster.NewLazy(load, roster.SealAtFirstUse())            // want `does not implement roster\.LazyOption`
	_ = roster.NewLazy(load, validate)                           // want `roster\.HotOption does not implement roster\.LazyOption`
	_ = roster.NewScope(roster.New[int](), roster.RetryAfter(0)) // want `does not implement roster\.RegistryOption`
	_ = roster.NewHot[int](func() {})                            // want `func\(\) does not implement roster\.HotOption`
}
