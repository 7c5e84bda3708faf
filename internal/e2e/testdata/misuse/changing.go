package misuse

import (
	"context"

	"github.com/roster-go/roster"
)

// The lifecycles that change have no verbs of each other.
func changing() {
	limits := roster.NewHot[int]()
	limits.Seal()                                                         // want `limits\.Seal undefined`
	_ = limits.Override("free", 1)                                        // want `limits\.Override undefined`
	_ = limits.Verify()                                                   // want `limits\.Verify undefined`
	_ = limits.Reload(map[string]string{"free": "1"})                     // want `cannot use map\[string\]string\{…\} .* as map\[string\]int value`
	_ = limits.Replace("free", "1")                                       // want `cannot use "1" \(untyped string constant\) as int value`
	_ = limits.Update(func(d *roster.Draft[string]) error { return nil }) // want `as func\(\*roster\.Draft\[int\]\) error value`
	_ = limits.Update(func(d *roster.Draft[int]) error {
		return d.Update(nil) // want `d\.Update undefined`
	})

	lazy := roster.NewLazy(func(context.Context, string) (int, error) { return 0, nil })
	lazy.Register("free", 1)    // want `lazy\.Register undefined`
	_ = lazy.Replace("free", 1) // want `lazy\.Replace undefined`
	_ = lazy.Reload(nil)        // want `lazy\.Reload undefined`

	scope := roster.NewScope(roster.New[int]())
	_ = scope.Replace("free", 1) // want `scope\.Replace undefined`
	_ = scope.Unregister("free") // want `scope\.Unregister undefined`

	_ = roster.NewScope[string](roster.New[int]()) // want `does not implement roster\.View\[string\]`

	var hot *roster.Hot[int] = roster.New[int]() // want `cannot use roster\.New\[int\]\(\) .* as \*roster\.Hot\[int\] value`
	_ = hot
}
