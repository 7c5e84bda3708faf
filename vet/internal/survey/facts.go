package survey

import "go/token"

// A Phase says when code runs.
type Phase uint8

const (
	// InCall is code of a function that nothing shows to run before main.
	InCall Phase = iota
	// InInit is an init function, the initialiser of a package variable, or what they call.
	InInit
	// InMain is main.main or what it calls.
	InMain
)

// A Registration is one name that gets into one registry.
type Registration struct {
	Registry string // see Registry.ID
	Name     string
	Type     string // of the value, as "path.Type", "" if it is not known
	Package  string // import path of the package with the call
	At       string // the call, as "import/path/file.go:line"
	Phase    Phase
	Guarded  bool // it depends on a condition
	Many     bool // the registry allows several values of a name

	Pos token.Pos // in the package that is analysed; not in facts
}

// A Need is one name that is looked up and has to be there.
type Need struct {
	Registry string
	Name     string
	Package  string
	At       string
	Called   bool // by a chain of calls, not merely by functions that are mentioned

	Pos token.Pos
}

// A Role is what a function does with a registry on behalf of its caller.
type Role struct {
	Registry Registry
	Lookup   bool   // it looks the name up and fails without it
	Param    int    // which parameter has the name
	Via      string // "" for the parameter itself, ".Field", or "Method()"
	Value    int    // which parameter has the value, -1 if none
}

// An Effect is something that init should not do.
type Effect struct {
	Kind  EffectKind
	What  string // the call or statement that does it, for example "net.Dial"
	At    string
	Chain []string // the functions between, outermost first

	Pos     token.Pos // of the first step in the package that is analysed
	Guarded bool
}

// EffectKind sorts effects.
type EffectKind uint8

// The kinds of effects, the worst first.
const (
	Network EffectKind = iota + 1
	Process
	Wait
	Files
	Goroutine
)

// String says what the kind does.
func (k EffectKind) String() string {
	switch k {
	case Network:
		return "uses the network"
	case Process:
		return "runs another program"
	case Wait:
		return "waits"
	case Files:
		return "reads or writes files"
	case Goroutine:
		return "starts a goroutine"
	}
	return "does something"
}

// A Summary is the fact about one function: what happens when it is called.
type Summary struct {
	Roles         []Role
	Registrations []Registration
	Needs         []Need
	Effects       []Effect
}

// AFact marks a Summary as a fact.
func (*Summary) AFact() {}

func (s *Summary) empty() bool {
	return len(s.Roles)+len(s.Registrations)+len(s.Needs)+len(s.Effects) == 0
}

// A Package is the fact about one package and all that it imports.
type Package struct {
	Registrations []Registration // of this package and of all that it imports
	Open          []string       // IDs of registries with names that nobody can read off the code
	Providers     []string       // import paths of catalogued packages, this one included
	Acts          bool           // importing it has an effect
}

// AFact marks a Package as a fact.
func (*Package) AFact() {}
