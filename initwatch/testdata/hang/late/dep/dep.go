// Package dep looks for a codec until it is there.
package dep

import (
	"time"

	"github.com/roster-go/roster/initwatch/testdata/hang/late/codecs"
)

func init() {
	await("json") // init.0: goroutine
}

func await(name string) {
	for !codecs.Has(name) {
		time.Sleep(20 * time.Millisecond) // waits
	}
}
