package roster

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// A Site is a place in a program's source that wrote to a registry.
type Site struct {
	File     string // as the compiler recorded it; module@version/file.go under -trimpath
	Line     int
	Function string // qualified, for example example.com/app/codec.init.0
	Package  string // import path; "main" for a command
	Module   string // module path, "std" for the standard library, "" if unknown
	Version  string // module version, "(devel)" for the module being built
}

// IsZero reports whether nothing is known about the site.
func (s Site) IsZero() bool { return s == Site{} }

// String gives file:line, then the package and the module it came from.
func (s Site) String() string {
	if s.IsZero() {
		return "unknown place"
	}
	at := fmt.Sprintf("%s:%d", s.File, s.Line)
	if s.Package == "" {
		return at
	}
	at += " in package " + s.Package
	if s.Module == "" {
		return at
	}
	module := s.Module
	if s.Version != "" {
		module += "@" + s.Version
	}
	return at + " (" + module + ")"
}

// callers holds the program counters of the innermost frames of a call. Taking
// them costs a fraction of a microsecond and no allocation; turning them into
// a Site is left until somebody asks.
//
// Six frames see through a package's own Register and MustRegister wrappers, and
// through a form of registry that is built on this package, to the code that
// called them.
type callers [6]uintptr

// callersOf captures the stack above the exported function that calls it;
// skip leaves out that many further frames.
func callersOf(skip int) callers {
	var c callers
	const selfAndCallers = 3 // runtime.Callers, callersOf, the exported function
	runtime.Callers(selfAndCallers+skip, c[:])
	return c
}

// within is c's innermost frame, and behind it those of outer: a function that
// is called back has its caller's caller where c does not reach.
func (c callers) within(outer callers) callers {
	copy(c[1:], outer[:])
	return c
}

// site resolves c to the innermost frame outside the package called home: a
// registry's home is the package that created it, whose wrappers are not what
// a reader looks for. The standard library and this module's own packages are
// passed over too, since they only call back. If home did it all, its innermost
// frame is the site.
func (c callers) site(home string) Site {
	n := 0
	for n < len(c) && c[n] != 0 {
		n++
	}
	if n == 0 {
		return Site{}
	}
	frames := runtime.CallersFrames(c[:n])
	var first, inHome Site
	for {
		frame, more := frames.Next()
		s := Site{
			File: frame.File, Line: frame.Line,
			Function: unescape(frame.Function), Package: packageOf(frame.Function),
		}
		s.Module, s.Version = moduleOf(s.Package)
		if first.IsZero() {
			first = s
		}
		if !ownPackages[s.Package] && s.Module != standardLibrary && !strings.HasSuffix(s.File, testMain) {
			if s.Package != home {
				return s
			}
			if inHome.IsZero() {
				inHome = s
			}
		}
		if !more {
			break
		}
	}
	if inHome.IsZero() {
		return first
	}
	return inHome
}

func (c callers) homePackage() string {
	return c.site("").Package
}

// ownPackages are this package and those that are built on it, which call for
// somebody else.
var ownPackages = map[string]bool{
	"github.com/roster-go/roster":            true,
	"github.com/roster-go/roster/collector":  true,
	"github.com/roster-go/roster/factory":    true,
	"github.com/roster-go/roster/rosterhttp": true,
	"github.com/roster-go/roster/router":     true,
	"github.com/roster-go/roster/subject":    true,
	"github.com/roster-go/roster/wire":       true,
}

// testMain is the file that the go command writes to call a package's tests.
const testMain = "_testmain.go"

// CallerSite is the place outside this package, and outside the packages of this
// module that are built on it, which called the function that calls CallerSite,
// or with skip > 0 that many callers further out, as with [runtime.Caller].
func CallerSite(skip int) Site { return callersOf(skip).site("") }

// standardLibrary is the module name of packages that have no module.
const standardLibrary = "std"

// packageOf cuts the import path out of a function name. The last path element
// of a function name has its dots escaped, so the first dot after the last
// slash ends the path.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		function = function[:slash+dot]
	}
	return unescape(function)
}

func unescape(symbol string) string {
	return strings.ReplaceAll(symbol, "%2e", ".")
}

type module struct{ path, version string }

// linkedModules reads the build information once: it cannot change.
var linkedModules = sync.OnceValue(func() []module {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	modules := []module{{info.Main.Path, info.Main.Version}}
	for _, dep := range info.Deps {
		version := dep.Version
		if dep.Replace != nil && dep.Replace.Version != "" {
			version = dep.Replace.Version
		}
		modules = append(modules, module{dep.Path, version})
	}
	return modules
})

// moduleOf finds the module with the longest path that holds pkg.
func moduleOf(pkg string) (path, version string) {
	modules := linkedModules()
	if pkg == "main" && len(modules) > 0 {
		return modules[0].path, modules[0].version
	}
	pkg = strings.TrimSuffix(pkg, "_test")
	for _, m := range modules {
		if len(m.path) > len(path) && (pkg == m.path || strings.HasPrefix(pkg, m.path+"/")) {
			path, version = m.path, m.version
		}
	}
	if path == "" && pkg != "main" && !strings.Contains(strings.SplitN(pkg, "/", 2)[0], ".") {
		return standardLibrary, runtime.Version()
	}
	return path, version
}
