//go:build !linux

package live

import "github.com/roster-go/roster/initwatch/hang"

// A MissingError says what a program lacks for being looked at while it runs.
type MissingError struct{ What string }

func (e *MissingError) Error() string { return e.What }

// A Process is a Go program that runs.
type Process struct{}

// A Task is the initialisation of a package.
type Task struct {
	Package string
	State   State
	Funcs   []hang.Frame
}

// A State says how far an initialisation is.
type State uint32

// The states.
const (
	Waits State = iota
	Runs
	Done
)

// Open says that this needs Linux.
func Open(int) (*Process, error) {
	return nil, &MissingError{"a live view: it reads /proc, which only Linux has"}
}

// Close does nothing.
func (*Process) Close() error { return nil }

// Tasks is never reached.
func (*Process) Tasks() ([]Task, error) { return nil, nil }

// Goroutines is never reached.
func (*Process) Goroutines() ([]hang.Goroutine, error) { return nil, nil }
