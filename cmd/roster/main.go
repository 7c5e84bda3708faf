// Command roster runs a Roster daemon and talks to it.
//
//	roster up                      run a daemon
//	roster config check FILE       say whether a daemon would take a config
//	roster call CAPABILITY [JSON]  call a capability
//	roster ls WHAT                 list capabilities, plugins, instances, records, regions, kills, …
//	roster top                     watch what a daemon does
//	roster watch SERVICE           follow the instances of a service
//	roster register SERVICE ADDR   announce a program that knows nothing of Roster
//	roster kill TARGET             keep something from being used, everywhere and now
//	roster revive TARGET           end a kill
//	roster get, put, rm KEY        read, write and delete records that reach every region
//	roster region VERB             add a region, retire it, rehearse its loss, or move a namespace
//	roster namespace VERB          make a namespace that lives in one region at a time
//	roster plugin VERB             check, inspect or reload a plugin
//	roster init-order PACKAGE      print how the packages of a program initialise
//	roster token VERB              make, list and revoke tokens of a daemon
//	roster audit                   what was done, by whom, and what was refused
//	roster vet [PACKAGES]          find the usual mistakes of the registry pattern
//	roster doctor -- PROGRAM       find out why a program hangs before main
//	roster build HOST              build a program with more providers linked in
//	roster demo                    show three regions on this machine
//	roster new plugin NAME         write a plugin in Go, Python or JavaScript
//
// See roster help, and exit.go for the exit codes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/roster-go/roster/vet/drive"
)

func main() {
	if drive.IsUnit(os.Args[1:]) {
		drive.Unit() // go vet, started by roster vet, wants one package analysed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
