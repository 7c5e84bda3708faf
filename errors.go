package roster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What the typed errors of this package are, for errors.Is.
var (
	ErrInvalidName = errors.New("invalid name")
	ErrNilValue    = errors.New("nil value")
	ErrDuplicate   = errors.New("name already registered")
	ErrUnknown     = errors.New("name not registered")
	ErrSealed      = errors.New("registry sealed")
	ErrReleased    = errors.New("pin or lease already released")
)

// A NameError reports a name that cannot be registered: empty, longer than
// [MaxNameLen] bytes, not UTF-8, not printable, or with white space at an end.
type NameError struct {
	Registry string
	Name     string
	Fault    string // what is wrong, as a clause
	Site     Site   // who tried

	tried string // "register" or another verb
}

func (e *NameError) Error() string {
	return fmt.Sprintf("roster: %s: cannot %s %q: %s (at %s)",
		e.Registry, cmp.Or(e.tried, "register"), shortened(e.Name), e.Fault, e.Site)
}

// shortened keeps enough of a name that is too long to recognise it.
func shortened(name string) string {
	const shown = 64
	if len(name) <= shown {
		return name
	}
	return name[:shown] + "…"
}

// Is makes errors.Is(err, ErrInvalidName) true.
func (e *NameError) Is(target error) bool { return target == ErrInvalidName }

// A NilError reports a value that is nil, or an interface holding a nil pointer,
// which would fail at its first use.
type NilError struct {
	Registry string
	Name     string
	What     string // for example "a nil *pq.Driver inside the interface driver.Driver"
	Site     Site   // who tried

	loaded bool // by a load function
}

func (e *NilError) Error() string {
	if e.loaded {
		return fmt.Sprintf("the load function returned %s; return an error instead", e.What)
	}
	return fmt.Sprintf("roster: %s: %q is registered with %s; register a value (at %s)",
		e.Registry, e.Name, e.What, e.Site)
}

// Is makes errors.Is(err, ErrNilValue) true.
func (e *NilError) Is(target error) bool { return target == ErrNilValue }

// A Claim is one side of a clash: a value and the place that registered it.
type Claim struct {
	Type string // dynamic type of the value
	Site Site
}

// A DuplicateError reports a name that is taken, and both who has it and who
// wanted it.
type DuplicateError struct {
	Registry string
	Name     string
	Existing Claim
	Refused  Claim

	clash string // "is registered twice" or another way to say what happened
	cure  string // what to do, or empty to judge by the places
}

// Error spans several lines, one for each side, because it is mostly read in
// the output of a program that did not start.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("roster: %s: %q %s\n\tkept     %s\n\t         at %s\n\trefused  %s\n\t         at %s\n\t%s",
		e.Registry, e.Name, cmp.Or(e.clash, registeredTwice), e.Existing.Type, e.Existing.Site, e.Refused.Type, e.Refused.Site, e.advice())
}

const registeredTwice = "is registered twice"

func (e *DuplicateError) advice() string {
	a, b := e.Existing.Site, e.Refused.Site
	switch {
	case e.cure != "":
		return e.cure
	case a.Module != "" && a.Module != b.Module && withoutMajor(a.Module) == withoutMajor(b.Module):
		return fmt.Sprintf("two major versions of one module are linked: import only %s or only %s", a.Module, b.Module)
	case a.Package != b.Package:
		return "import only one of the two packages, or register one under another name"
	default:
		return "register one of them under another name"
	}
}

// withoutMajor drops the major version from a module path: foo/v3 is foo.
func withoutMajor(module string) string {
	i := strings.LastIndex(module, "/v")
	if i < 0 || i+2 == len(module) || strings.Trim(module[i+2:], "0123456789") != "" {
		return module
	}
	return module[:i]
}

// Is makes errors.Is(err, ErrDuplicate) true.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

func duplicate[T any](c *core, name string, existing *entry[T], v T, site callers) *DuplicateError {
	home := c.home()
	return &DuplicateError{
		Registry: c.name,
		Name:     name,
		Existing: existing.claim(home),
		Refused:  Claim{Type: dynamicType(v), Site: site.site(home)},
	}
}

// An UnknownError reports a name that is not registered.
type UnknownError struct {
	Registry string
	Name     string
	Known    []string // registered names in sorted order, at most 20 of them
	Total    int      // how many names are registered
	Nearest  []string // registered names that Name may be a slip of, best first, at most 3

	// Providers are packages known to register Name, the recommended one first.
	Providers []Provider
	// Suggested is the catalogued name that Name may be a slip of, if Providers
	// are its providers and not those of Name itself.
	Suggested string

	early *earlyLookup // of a lookup made while packages initialised
}

// Early tells about a lookup that was made while packages were still
// initialising: the place that looked, and the place that registered the name
// afterwards, which is zero as long as nobody has. It returns false for a
// lookup made later, or on a goroutine of its own.
func (e *UnknownError) Early() (lookup, registered Site, early bool) {
	if e.early == nil {
		return Site{}, Site{}, false
	}
	lookup, registered = e.early.sites()
	return lookup, registered, true
}

const maxKnown = 20

func (e *UnknownError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "roster: %s: %q is not registered", e.Registry, shortened(e.Name))
	if len(e.Nearest) > 0 {
		b.WriteString(" (did you mean " + quotedList(e.Nearest, " or ") + "?)")
	}
	if e.Total > 0 {
		b.WriteString("; registered: " + strings.Join(e.Known, ", "))
		if more := e.Total - len(e.Known); more > 0 {
			fmt.Fprintf(&b, " and %d more", more)
		}
	}
	b.WriteString(e.advice())
	return b.String()
}

func (e *UnknownError) advice() string {
	lookup, registered, early := e.Early()
	switch {
	case early && !registered.IsZero():
		return fmt.Sprintf("; it was looked up too early, while packages initialised, at %s, and registered afterwards at %s: "+
			"look it up after main has started", lookup, registered)
	case early:
		return fmt.Sprintf("; packages are still initialising, and its provider may come later: "+
			"look it up after main has started, not at %s%s", lookup, e.imports("; or, if nothing provides it,"))
	case len(e.Providers) > 0:
		return e.imports(";")
	case e.Total == 0:
		return "; nothing is: import the package that registers it, for its side effect"
	}
	return ""
}

// imports says which import declaration provides the name.
func (e *UnknownError) imports(lead string) string {
	if len(e.Providers) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(lead)
	if e.Suggested != "" {
		fmt.Fprintf(&b, " to register %q", e.Suggested)
	}
	for i, p := range e.Providers {
		if i > 0 {
			b.WriteString(" or")
		} else {
			b.WriteString(" add")
		}
		fmt.Fprintf(&b, " import _ %q", p.Import)
		if p.Note != "" {
			fmt.Fprintf(&b, " (%s)", p.Note)
		}
	}
	return b.String()
}

func quotedList(names []string, sep string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, sep)
}

// Is makes errors.Is(err, ErrUnknown) true.
func (e *UnknownError) Is(target error) bool { return target == ErrUnknown }

// unknown is the error of a lookup in vain at site.
func (c *core) unknown(name string, names []string, site callers) *UnknownError {
	e := c.explain(name, names)
	e.early = c.early.note(name, c, site)
	return e
}

// explain is unknown without a lookup.
func (c *core) explain(name string, names []string) *UnknownError {
	e := &UnknownError{
		Registry: c.name,
		Name:     name,
		Known:    slices.Clone(names[:min(len(names), maxKnown)]),
		Total:    len(names),
		Nearest:  Nearest(name, names),
	}
	e.Suggested, e.Providers = c.catalogue.providers(name)
	if e.Suggested != "" && len(e.Nearest) > 0 {
		e.Suggested, e.Providers = "", nil // a name that is there is the better guess
	}
	return e
}

// A SealedError reports a write to a registry that was closed for writing.
type SealedError struct {
	Registry string
	Name     string // the name that was to be written; empty for a reload
	Site     Site   // who tried
	Sealed   Site   // who closed it

	how string // "sealed" or another way to say what happened
}

func (e *SealedError) Error() string {
	what := "cannot write to it"
	if e.Name != "" {
		what = fmt.Sprintf("cannot write %q", shortened(e.Name))
	}
	return fmt.Sprintf("roster: %s: %s: the registry was %s at %s; write before that (at %s)",
		e.Registry, what, cmp.Or(e.how, "sealed"), e.Sealed, e.Site)
}

// Is makes errors.Is(err, ErrSealed) true.
func (e *SealedError) Is(target error) bool { return target == ErrSealed }

// An OverrideError reports an override that came too late, or to nothing. Too
// late: the value it wants to stand in for has been handed out, and whoever got
// one from a startup-only registry may keep it and must get the same again. To
// nothing: nobody registered the name.
type OverrideError struct {
	Registry string
	Name     string
	Existing Claim    // whose value was handed out, or the override itself if it came to nothing
	Lookups  uint64   // how often; 0 if the override came to nothing
	Nearest  []string // registered names that Name may be a slip of
	Site     Site     // who overrides
}

func (e *OverrideError) Error() string {
	if e.Lookups > 0 {
		return fmt.Sprintf("roster: %s: cannot override %q, registered at %s: it was looked up %s already; "+
			"override it before the first lookup (at %s)", e.Registry, e.Name, e.Existing.Site, times(e.Lookups), e.Site)
	}
	guess := ""
	if len(e.Nearest) > 0 {
		guess = " (did you mean " + quotedList(e.Nearest, " or ") + "?)"
	}
	return fmt.Sprintf("roster: %s: %q is overridden but nothing registers it%s; correct the name, or register it (at %s)",
		e.Registry, e.Name, guess, e.Site)
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
