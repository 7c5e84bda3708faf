package roster_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// modulePath is the root module's; a nested module's path is this and its folder.
const modulePath = "github.com/roster-go/roster"

// floors is the house from the roof down: a part may import the parts of lower floors
// and itself, never one of its own floor or of a higher one. A part is the folder that is
// the longest prefix of a package's folder.
var floors = [][]string{
	{"bench", "deploy", "internal/e2e", "internal/providercheck", "internal/migration"},
	{"cmd/roster"},
	{"plugin", "etcd", "telemetry", "vet"},
	{"rostertest"},
	{"discovery", "replica", "console", "rosterhttp"},
	{"factory", "router", "subject", "wire", "collector", "providers", "kill"},
	{".", "initwatch"},
	{"internal"},
}

// examplesMayImport is what a reader of the examples is meant to copy: the core, factories and the
// plugin SDK with its generated code. Their tests run them in a real plugin host.
var examplesMayImport = []string{".", "factory", "plugin/sdk", "plugin/gen", "examples"}

// houseImport is one import declaration, with folders instead of package paths.
type houseImport struct {
	at     string // file:line
	from   string // folder of the importing package
	module string // folder of its module
	test   bool   // the file is a _test.go file
	path   string // as written
}

func (i houseImport) String() string { return fmt.Sprintf("%s: imports %s", i.at, i.path) }

// target is the folder of the imported package, if it is one of this repository.
func (i houseImport) target() (dir string, inHouse bool) {
	if i.path == modulePath {
		return ".", true
	}
	return strings.CutPrefix(i.path, modulePath+"/")
}

// houseRules are the rules for imports. Each returns why the import breaks it, or "".
// Modules are the folders with a go.mod.
var houseRules = []struct {
	name  string
	check func(imp houseImport, modules []string) string
}{
	{"the root module imports the standard library and itself only", rootIsPure},
	{"arrows point down", arrowsPointDown},
	{"a module keeps its internal packages to itself", internalStaysInside},
	{"test packages are for tests", testPackagesInTests},
	{"examples show the core and the plugin SDK", examplesStayWithSDK},
}

func rootIsPure(imp houseImport, modules []string) string {
	if imp.module != "." {
		return ""
	}
	dir, inHouse := imp.target()
	if inHouse {
		if owner := longestPrefix(modules, dir); owner != "." {
			return "it belongs to the module in " + owner
		}
		return ""
	}
	first, _, _ := strings.Cut(imp.path, "/")
	if first == "C" || strings.Contains(first, ".") {
		return "it is not of the standard library"
	}
	return ""
}

func arrowsPointDown(imp houseImport, _ []string) string {
	if imp.from == "examples" || strings.HasPrefix(imp.from, "examples/") {
		return "" // examplesStayWithSDK is stricter
	}
	from, fromFloor := part(imp.from)
	if fromFloor < 0 {
		return imp.from + " has no floor in the house: add it to floors"
	}
	dir, inHouse := imp.target()
	if !inHouse {
		return ""
	}
	to, toFloor := part(dir)
	switch {
	case to == from:
		return ""
	case dir == "examples" || strings.HasPrefix(dir, "examples/"):
		if fromFloor == 0 {
			return ""
		}
		return "nothing is built on an example"
	case imp.test && (to == "rostertest" || slices.Contains(strings.Split(dir, "/"), "testdata")):
		return ""
	case toFloor < 0:
		return dir + " has no floor in the house: add it to floors"
	case toFloor == fromFloor:
		return fmt.Sprintf("%s and %s share a floor and do not know each other", from, to)
	case toFloor < fromFloor:
		return fmt.Sprintf("%s is above %s", to, from)
	}
	return ""
}

func internalStaysInside(imp houseImport, modules []string) string {
	dir, inHouse := imp.target()
	if !inHouse {
		return ""
	}
	owner := longestPrefix(modules, dir)
	inOwner := strings.Split(strings.TrimPrefix(strings.TrimPrefix(dir, owner), "/"), "/")
	if owner != imp.module && slices.Contains(inOwner, "internal") {
		return "it is internal to the module in " + owner
	}
	return ""
}

func testPackagesInTests(imp houseImport, _ []string) string {
	forTests := []string{"testing", "testing/fstest", "testing/synctest", "testing/slogtest", "testing/iotest"}
	dir, inHouse := imp.target()
	kit := inHouse && (strings.HasSuffix(dir, "test") || dir == "internal/assert")
	if imp.test || !kit && !slices.Contains(forTests, imp.path) {
		return ""
	}
	// A kit of checks may import testing: its folder says that it is one.
	if strings.HasSuffix(imp.from, "test") || imp.from == "internal/assert" {
		return ""
	}
	return "shipped code does without it"
}

func examplesStayWithSDK(imp houseImport, _ []string) string {
	dir, inHouse := imp.target()
	if imp.module != "examples" || !inHouse {
		return ""
	}
	if dir == "." || imp.test && dir == "plugin" || slices.ContainsFunc(examplesMayImport, func(allowed string) bool {
		return allowed != "." && within(dir, allowed)
	}) {
		return ""
	}
	return "an example imports " + strings.Join(examplesMayImport, ", ") + " only"
}

// part is the entry of floors that dir belongs to, and its floor; -1 if it has none.
func part(dir string) (name string, floor int) {
	var all []string
	for _, parts := range floors {
		all = append(all, parts...)
	}
	name = longestPrefix(all, dir)
	if name == "." && dir != "." {
		return "", -1
	}
	return name, slices.IndexFunc(floors, func(parts []string) bool { return slices.Contains(parts, name) })
}

// longestPrefix is the deepest of folders that dir is in, "." if it is in none.
func longestPrefix(folders []string, dir string) string {
	longest := "."
	for _, f := range folders {
		if within(dir, f) && (longest == "." || len(f) > len(longest)) {
			longest = f
		}
	}
	return longest
}

// within reports whether dir is folder or below it.
func within(dir, folder string) bool {
	return dir == folder || folder == "." || strings.HasPrefix(dir, folder+"/")
}

// importViolations checks every import of the house against every rule.
func importViolations(fsys fs.FS) ([]string, error) {
	modules, err := moduleDirs(fsys)
	if err != nil {
		return nil, err
	}
	var violations []string
	err = walkHouse(fsys, func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		imports, err := importsOf(fsys, name, modules)
		if err != nil {
			return err
		}
		for _, imp := range imports {
			for _, rule := range houseRules {
				if why := rule.check(imp, modules); why != "" {
					violations = append(violations, fmt.Sprintf("%s: %s, but %s", imp, why, rule.name))
				}
			}
		}
		return nil
	})
	return violations, err
}

// importsOf parses the imports of one file.
func importsOf(fsys fs.FS, name string, modules []string) ([]houseImport, error) {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	imports := make([]houseImport, 0, len(file.Imports))
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import path %s: %w", name, spec.Path.Value, err)
		}
		imports = append(imports, houseImport{
			at:     fmt.Sprintf("%s:%d", name, fset.Position(spec.Pos()).Line),
			from:   path.Dir(name),
			module: longestPrefix(modules, path.Dir(name)),
			test:   strings.HasSuffix(name, "_test.go"),
			path:   imported,
		})
	}
	return imports, nil
}

func TestImportsFollowTheDesign(t *testing.T) {
	violations, err := importViolations(os.DirFS(houseRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
}

func TestImportsThatBreakTheDesignAreFound(t *testing.T) {
	tests := []struct {
		file, imports string
		want          string // part of the one violation, "" if it is allowed
	}{
		{file: "a.go", imports: "net/http"},
		{file: "a.go", imports: modulePath + "/internal/x"},
		{file: "a_test.go", imports: "testing"},
		{file: "a.go", imports: "golang.org/x/sync", want: "a.go:2: imports golang.org/x/sync: it is not of the standard library"},
		{file: "a_test.go", imports: "github.com/google/go-cmp/cmp", want: "not of the standard library"},
		{file: "a.go", imports: "C", want: "not of the standard library"},
		{file: "a.go", imports: modulePath + "/router", want: "router is above ., but arrows point down"},
		{file: "a.go", imports: "testing", want: "shipped code does without it"},
		{file: "a.go", imports: modulePath + "/internal/assert", want: "shipped code does without it"},
		{file: "a_test.go", imports: modulePath + "/rostertest"},
		{file: "a_test.go", imports: modulePath + "/testdata/codecs"},
		{file: "a.go", imports: modulePath + "/testdata/codecs", want: "testdata/codecs has no floor"},
		{file: "router/a.go", imports: modulePath},
		{file: "router/a.go", imports: modulePath + "/wire", want: "router and wire share a floor"},
		{file: "wire/a.go", imports: modulePath + "/discovery", want: "discovery is above wire"},
		{file: "discovery/a.go", imports: modulePath + "/kill"},
		{file: "kill/a.go", imports: modulePath},
		{file: "kill/a.go", imports: modulePath + "/router", want: "kill and router share a floor"},
		{file: "shelf/a.go", imports: "fmt", want: "shelf has no floor"},
		{file: "rostertest/a.go", imports: "testing"},
		{file: "console/a.go", imports: modulePath + "/factory"},
		{file: "plugin/a.go", imports: "google.golang.org/grpc"},
		{file: "plugin/a.go", imports: modulePath + "/plugin/internal/x"},
		{file: "plugin/a.go", imports: modulePath + "/discovery"},
		{file: "plugin/a.go", imports: modulePath + "/etcd", want: "plugin and etcd share a floor"},
		{file: "etcd/embed/a.go", imports: modulePath + "/telemetry", want: "etcd and telemetry share a floor"},
		{file: "etcd/a_test.go", imports: modulePath + "/rostertest"},
		{file: "etcd/a.go", imports: modulePath + "/rostertest", want: "shipped code does without it"},
		{file: "telemetry/a.go", imports: modulePath + "/internal/x", want: "it is internal to the module in ."},
		{file: "telemetry/a.go", imports: modulePath + "/plugins", want: "plugins has no floor"},
		{file: "cmd/roster/a.go", imports: modulePath + "/plugin/internal/x", want: "it is internal to the module in plugin"},
		{file: "cmd/roster/a.go", imports: modulePath + "/etcd/embed"},
		{file: "plugin/a.go", imports: modulePath + "/cmd/roster", want: "cmd/roster is above plugin"},
		{file: "cmd/roster/a.go", imports: modulePath + "/bench", want: "bench is above cmd/roster"},
		{file: "bench/a.go", imports: modulePath + "/internal/e2e", want: "share a floor"},
		{file: "internal/e2e/a_test.go", imports: modulePath + "/examples/echo"},
		{file: "cmd/roster/a.go", imports: modulePath + "/examples/echo", want: "nothing is built on an example"},
		{file: "examples/echo/a.go", imports: modulePath + "/plugin/sdk"},
		{file: "examples/echo/a.go", imports: modulePath},
		{file: "examples/echo/a.go", imports: modulePath + "/plugin", want: "an example imports"},
		{file: "examples/echo/a_test.go", imports: modulePath + "/plugin"},
		{file: "examples/echo/a_test.go", imports: modulePath + "/etcd", want: "an example imports"},
		{file: "examples/echo/a.go", imports: modulePath + "/plugin/sdkx", want: "an example imports"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" imports "+tt.imports, func(t *testing.T) {
			tree := fstest.MapFS{tt.file: {Data: []byte("package p\nimport " + strconv.Quote(tt.imports) + "\n")}}
			for _, dir := range []string{".", "plugin", "etcd", "telemetry", "cmd/roster", "bench", "internal/e2e", "examples"} {
				tree[path.Join(dir, "go.mod")] = &fstest.MapFile{}
			}
			got, err := importViolations(tree)
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(got, "\n")
			if (tt.want == "") != (len(got) == 0) || !strings.Contains(all, tt.want) {
				t.Errorf("got %q, want one with %q", all, tt.want)
			}
		})
	}
}
