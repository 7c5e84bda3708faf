package factory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/roster-go/roster"
)

// ErrConfig is in every [*ConfigError].
var ErrConfig = errors.New("faulty config")

// A ConfigError tells everything that is wrong with a config. Its text names
// fields, kinds of values and places, but never what a value was.
type ConfigError struct {
	Registry string
	Name     string        // of the factory; "" if the config does not say it
	Site     roster.Site   // that made the factory
	Faults   []*FieldError // at most MaxFaults, at least one
	More     int           // faults beyond these
}

// A FieldError is one thing that is wrong with a config.
type FieldError struct {
	Path    string // such as servers[2].timeout; "" is the config as a whole
	Line    int    // in JSON, from 1; 0 elsewhere
	Column  int    // in bytes, from 1; 0 elsewhere
	Problem string // what is wanted, and what is there
	Err     error  // of a Validate method or of a type that decodes itself, or nil
}

// Error is path, place and problem.
func (f *FieldError) Error() string {
	var b strings.Builder
	b.WriteString(f.Path)
	if f.Line > 0 {
		if f.Path != "" {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "(line %d, column %d)", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	return b.String() + f.Problem
}

// Unwrap returns Err.
func (f *FieldError) Unwrap() error { return f.Err }

// Error lists the faults.
func (e *ConfigError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "roster: %s: config", e.Registry)
	if e.Name != "" {
		fmt.Fprintf(&b, " of %q", e.Name)
	}
	if len(e.Faults) == 1 && e.More == 0 {
		return fmt.Sprintf("%s: %v", b.String(), e.Faults[0])
	}
	fmt.Fprintf(&b, " has %d faults:", len(e.Faults)+e.More)
	for _, f := range e.Faults {
		fmt.Fprintf(&b, "\n\t%v", f)
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n\tand %d more", e.More)
	}
	return b.String()
}

// Unwrap returns [ErrConfig] and the faults.
func (e *ConfigError) Unwrap() []error {
	errs := []error{ErrConfig}
	for _, f := range e.Faults {
		errs = append(errs, f)
	}
	return errs
}

// A BuildError tells that a constructor failed though its config is fine.
type BuildError struct {
	Registry string
	Name     string      // of the factory
	Site     roster.Site // that made the factory
	Err      error       // of the constructor; a [*roster.PanicError] if it panicked
}

// Error says which factory failed, and why.
func (e *BuildError) Error() string {
	return fmt.Sprintf("roster: %s: the factory %q, made at %s, failed: %v", e.Registry, e.Name, e.Site, e.Err)
}

// Unwrap returns Err.
func (e *BuildError) Unwrap() error { return e.Err }

// A TypeError tells why no factory can be made: it is a mistake in the program.
type TypeError struct {
	Type  string // of the config
	Fault string
	Site  roster.Site
}

// Error says what is wrong with which type, and where.
func (e *TypeError) Error() string {
	return fmt.Sprintf("roster: no factory can take a %s as its config: %s (at %s)", e.Type, e.Fault, e.Site)
}
