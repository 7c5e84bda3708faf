package hang

// A Frame is one call of a stack.
type Frame struct {
	Function string `json:"function"` // with its package, as the runtime writes it
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"` // from 1; 0 if unknown
}

func newFrame(function, place string) Frame {
	place, _ = cut(trim(place), " +0x")
	place, _ = cut(place, " fp=0x")
	f := Frame{Function: function, File: place}
	for i := len(place) - 1; i > 0; i-- {
		if place[i] == ':' {
			if line, rest, ok := number(place[i+1:]); ok && rest == "" && line < 1<<31 {
				f.File, f.Line = place[:i], int(line)
			}
			break
		}
	}
	return f
}

// At is file:line, "" if it is unknown.
func (f Frame) At() string {
	if f.Line == 0 {
		return f.File
	}
	return f.File + ":" + decimal(int64(f.Line))
}

// Package is the import path.
func (f Frame) Package() string {
	pkg, _ := f.split()
	return pkg
}

// Name is the function without its package, such as "init.0" or "(*Client).Dial".
func (f Frame) Name() string {
	_, name := f.split()
	return name
}

// Init reports whether it is an init function or a variable initialiser: init, init.0.
func (f Frame) Init() bool {
	name := f.Name()
	return name == "init" || hasPrefix(name, "init.") || hasPrefix(name, "map.init.")
}

// Initialiser reports whether it is the variable initialiser, not an init function.
func (f Frame) Initialiser() bool {
	name := f.Name()
	return name == "init" || hasPrefix(name, "map.init.")
}

// Standard reports whether it belongs to Go itself: runtime, standard library, or golang.org/x/sys.
func (f Frame) Standard() bool {
	pkg := f.Package()
	// The wrappers that sync.OnceFunc makes count to the package that calls it.
	if hasPrefix(pkg, "golang.org/x/sys/") || hasSuffix(f.File, "sync/oncefunc.go") {
		return true
	}
	first, _ := cut(pkg, "/")
	for _, s := range &standard {
		if first == s {
			// A module may be called as a folder of the library: its files are elsewhere.
			return f.in(pkg) || f.in("runtime") || contains(f.File, "_cgo_")
		}
	}
	return false
}

// in reports whether the file is of a package of the standard library, with -trimpath or without.
func (f Frame) in(pkg string) bool {
	return f.File == "" || hasPrefix(f.File, pkg+"/") || contains(f.File, "/src/"+pkg+"/")
}

// standard are the first elements of the import paths of Go 1.26's standard library.
var standard = [...]string{
	"archive", "bufio", "bytes", "cmp", "compress", "container", "context", "crypto", "database", "debug",
	"embed", "encoding", "errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index", "internal",
	"io", "iter", "log", "maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp", "runtime",
	"simd", "slices", "sort", "strconv", "strings", "structs", "sync", "syscall", "testing", "text", "time",
	"unicode", "unique", "unsafe", "vendor", "weak",
}

// split takes the function apart into its package and its name in it.
func (f Frame) split() (pkg, name string) {
	slash := 0
	for i := range len(f.Function) {
		switch f.Function[i] {
		case '/':
			slash = i
		case '(', '[': // a type argument may have slashes, too
			if i > slash {
				return f.splitAfter(slash)
			}
		}
	}
	return f.splitAfter(slash)
}

func (f Frame) splitAfter(slash int) (pkg, name string) {
	for i := slash; i < len(f.Function); i++ {
		if f.Function[i] == '.' {
			return unescape(f.Function[:i]), f.Function[i+1:]
		}
	}
	return f.Function, ""
}

// unescape gives the dots back to the last element of an import path.
func unescape(path string) string {
	before, after := cut(path, "%2e")
	for len(before) < len(path) {
		path = before + "." + after
		before, after = cut(path, "%2e")
	}
	return path
}
