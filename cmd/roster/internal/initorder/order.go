package initorder

import (
	"context"
	"slices"
	"strings"
)

// An Order is how the packages of a program initialise.
type Order struct {
	Program string `json:"program"` // the import path of the main package, or the file
	Source  string `json:"source"`  // FromPackage, FromSymbols or FromTables
	Steps   []Step `json:"steps"`   // of packages that have something to run, in order

	// Reasons reports whether Steps have them. A binary does not say who imports whom.
	Reasons bool     `json:"reasons"`
	Notes   []string `json:"notes,omitempty"` // what is not known, and how to learn it

	slots   []slot            // of packages, with tasks that run nothing
	display map[string]string // symbol to import path
}

// Where an order comes from.
const (
	FromPackage = "package" // compiled packages, sorted as the linker does
	FromSymbols = "symbols" // the list the linker wrote, found by its symbol
	FromTables  = "tables"  // the same list in a stripped binary, found by its shape
)

// A Step is one package that initialises.
type Step struct {
	Position  int    `json:"position"` // from 1
	Package   string `json:"package"`
	Functions int    `json:"functions"` // how many it runs: init functions, and one for its variables
	Runtime   bool   `json:"runtime,omitempty"`
	Standard  bool   `json:"standard,omitempty"`
	Module    string `json:"module,omitempty"` // path and version

	// WaitedFor is the import that was done last, and so made this package ready; Through
	// are imports between the two that have nothing to run. Both are empty for a package
	// whose imports have nothing to initialise.
	WaitedFor string   `json:"waited_for,omitempty"`
	Through   []string `json:"through,omitempty"`

	// Overtaken are the packages that ran between the moment this one was ready and its
	// turn, because they sort before it.
	Overtaken []string `json:"overtaken,omitempty"`

	Registrations []Registration `json:"registrations,omitempty"`
	Time          *Time          `json:"time,omitempty"` // from a trace
}

// OfPackage tells the order of the program that is built from a main package. It compiles
// what the go command's cache does not have.
func OfPackage(ctx context.Context, pattern string, o Options) (*Order, error) {
	packages, err := o.list(ctx, pattern)
	if err != nil {
		return nil, err
	}
	exports := make([]string, 0, len(packages))
	byExport := map[string]*Package{}
	for i, p := range packages {
		if p.Export != "" {
			exports = append(exports, p.Export)
			byExport[p.Export] = &packages[i]
		}
	}
	tasks, fileOf, err := o.tasks(ctx, exports)
	if err != nil {
		return nil, err
	}
	byTask := map[string]*Package{}
	for symbol, file := range fileOf {
		if p := byExport[file]; p != nil {
			byTask[symbol] = p
		}
	}
	order, err := arrange(tasks, byTask)
	if err != nil {
		return nil, &Error{pattern, "its init tasks have no order", "this is a mistake of roster: report it", err}
	}
	order.Program = packages[len(packages)-1].ImportPath
	order.addRegistrations(packages)
	return order, nil
}

// arrange makes an order of tasks: those of the runtime, and then those of main.
func arrange(tasks map[string]task, packages map[string]*Package) (*Order, error) {
	early, err := schedule(tasks, runtimeTask)
	if err != nil {
		return nil, err
	}
	late, err := schedule(tasks, mainTask)
	if err != nil {
		return nil, err
	}
	order := &Order{Source: FromPackage, Reasons: true, display: map[string]string{}}
	done, slots := map[string]bool{}, map[string]slot{}
	for _, s := range slices.Concat(early, late) {
		if _, known := slots[s.symbol]; !known {
			slots[s.symbol] = s
			order.slots = append(order.slots, s)
			order.display[s.symbol] = pathOf(s.symbol, packages)
		}
	}
	for i, s := range slices.Concat(early, late) {
		if done[s.symbol] || s.functions == 0 {
			continue
		}
		done[s.symbol] = true
		step := Step{
			Position: len(order.Steps) + 1, Package: pathOf(s.symbol, packages), Functions: s.functions,
			Runtime: i < len(early), Standard: true,
		}
		if p := packages[s.symbol]; p != nil {
			step.Standard, step.Module = p.Standard, p.Module.String()
		}
		for at := s.last; at != ""; at = slots[at].last {
			if slots[at].functions > 0 {
				step.WaitedFor = pathOf(at, packages)
				break
			}
			step.Through = append(step.Through, pathOf(at, packages))
		}
		for _, other := range s.overtaken {
			if tasks[other].functions > 0 && (i < len(early) || !hasTask(early, other)) {
				step.Overtaken = append(step.Overtaken, pathOf(other, packages))
			}
		}
		order.Steps = append(order.Steps, step)
	}
	return order, nil
}

func hasTask(slots []slot, symbol string) bool {
	return slices.ContainsFunc(slots, func(s slot) bool { return s.symbol == symbol })
}

// pathOf is the import path of a task; the main package's own, which its symbol lacks.
func pathOf(symbol string, packages map[string]*Package) string {
	if p := packages[symbol]; p != nil && symbol != mainTask {
		path, _, _ := strings.Cut(p.ImportPath, " ") // a variant for a profile is "path [main]"
		return path
	}
	return packageOf(symbol)
}

// String is the path and version, and where it is replaced from.
func (m *Module) String() string {
	switch {
	case m == nil:
		return ""
	case m.Replace != nil && m.Replace.Version != "":
		return m.Path + "@" + m.Version + " => " + m.Replace.Path + "@" + m.Replace.Version
	case m.Replace != nil:
		return m.Path + " => " + m.Replace.Path
	case m.Version == "":
		return m.Path
	}
	return m.Path + "@" + m.Version
}
