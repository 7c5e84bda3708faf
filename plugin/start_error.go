package plugin

import (
	"cmp"
	"fmt"
)

// A StartError reports a plugin process that did not come up.
type StartError struct {
	Plugin string
	Source string // descriptor file
	Step   string // "start", "handshake", "describe" or "init"
	// Problem is what happened, as a clause.
	Problem string
	Fix     string   // what to do, as a clause
	Exit    string   // how the process ended by itself; empty if the host ended it
	Stderr  []string // its last lines
	Err     error    // the cause; may be nil
}

func (e *StartError) Error() string {
	exit := ""
	if e.Exit != "" {
		exit = fmt.Sprintf(" (%s)", e.Exit)
	}
	return fmt.Sprintf("plugin: %s: plugin %q failed at %s: %s%s%s; %s",
		e.Source, e.Plugin, e.Step, e.Problem, exit, stderrClause(e.Stderr), e.Fix)
}

func (e *StartError) Unwrap() error { return e.Err }

// A GrantError reports capabilities that a descriptor grants and the plugin
// does not have.
type GrantError struct {
	Plugin   string
	Source   string   // descriptor file
	Missing  []string // granted, not declared
	Declared []string // what the plugin declares
}

func (e *GrantError) Error() string {
	return fmt.Sprintf("plugin: %s: plugin %q does not declare %s; it declares %s: correct capabilities in the descriptor or the plugin",
		e.Source, e.Plugin, quotedList(e.Missing, ", "), cmp.Or(cappedList(e.Declared, shownCapabilities), "nothing"))
}
