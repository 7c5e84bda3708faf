package roster_test

import (
	"errors"
	"fmt"

	"github.com/roster-go/roster"
)

// A codec that turns out to be dangerous is taken out of use at once, also for requests
// that have pinned their version.
func ExampleDirectory_Suspend() {
	directory := roster.NewDirectory()
	codecs := roster.NewHot[string](roster.Named("codecs"), roster.In(directory))
	codecs.Register("gob", "encoding/gob")
	codecs.Register("json", "encoding/json")
	request := codecs.Pin()
	defer request.Release()

	directory.Suspend("codecs", "gob", errors.New("CVE-2026-1"))
	_, err := request.Lookup("gob")
	suspended, _ := errors.AsType[*roster.SuspendedError](err)
	fmt.Println(errors.Is(err, roster.ErrSuspended), suspended.Name, suspended.Why)
	fmt.Println(codecs.Names())

	directory.Resume("codecs", "gob")
	fmt.Println(request.Lookup("gob"))
	// Output:
	// true gob CVE-2026-1
	// [json]
	// encoding/gob <nil>
}
