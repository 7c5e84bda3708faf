// Command roster-vet finds the usual mistakes of the registry pattern.
//
//	roster-vet [flags] [packages]              by itself; roster-vet -h has the flags
//	go vet -vettool=$(which roster-vet) ./...  as a tool of go vet
//
// See package drive for the flags, the exit codes and how it works.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/roster-go/roster/vet/drive"
)

func main() {
	if drive.IsUnit(os.Args[1:]) {
		drive.Unit() // does not return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := drive.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
