package roster_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roster-go/roster"
)

// What is registered is how to get at a value, not the value.
func Example_workAtFirstUse() {
	// In an init: nothing is dialled, nothing can hang.
	type dial func(ctx context.Context) (string, error)
	settings := roster.New[dial](roster.Named("settings"))
	settings.Register("remote", func(ctx context.Context) (string, error) {
		<-ctx.Done() // a server that does not answer
		return "", ctx.Err()
	})

	// In main, or later: the caller says how long it may take.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	open, err := settings.Lookup("remote")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = open(ctx)
	fmt.Println("gave up in time:", errors.Is(err, context.DeadlineExceeded))
	// Output: gave up in time: true
}
