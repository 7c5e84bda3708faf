package consolepage

import (
	"fmt"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

// maxSaid bounds what is said at once.
const maxSaid = 5

// happened tells in words what is different between two looks, for those who do not see the
// page change.
func happened(before, after *snapshot) []string {
	if before == after {
		return nil
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	was := make(map[string]*api.Plugin, len(before.Plugins))
	for i := range before.Plugins {
		was[before.Plugins[i].Name] = &before.Plugins[i]
	}
	for i := range after.Plugins {
		p := &after.Plugins[i]
		old, known := was[p.Name]
		switch {
		case !known:
			say("Plugin %s was added.", p.Name)
		case old.State != p.State:
			say("Plugin %s is %s.", p.Name, p.State)
		case old.Restarts != p.Restarts:
			say("Plugin %s was restarted.", p.Name)
		}
		delete(was, p.Name)
	}
	for name := range was {
		say("Plugin %s is gone.", name)
	}
	if before.Instances.Stale != after.Instances.Stale {
		if after.Instances.Stale {
			say("The view of the fleet is stale.")
		} else {
			say("The view of the fleet is up to date again.")
		}
	}
	stood := make(map[kill.Target]bool)
	for _, o := range before.Standing() {
		stood[o.Target] = true
	}
	for _, o := range after.Standing() {
		if !stood[o.Target] {
			say("%s is killed: %s.", o.Target, o.Reason)
		}
		delete(stood, o.Target)
	}
	for target := range stood {
		say("%s is revived.", target)
	}
	for i := range after.Misses {
		if after.Misses[i].Last.Equal(after.At) {
			say("%s was asked for in vain in %s.", after.Misses[i].Name, after.Misses[i].Registry)
		}
	}
	if more := len(said) - maxSaid; more > 0 {
		said = append(said[:maxSaid], fmt.Sprintf("%d more things have changed.", more))
	}
	return said
}
