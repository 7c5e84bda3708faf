package doctor_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// repository is the folder of the repository.
var repository, _ = filepath.Abs(filepath.Join("..", "..", "..", ".."))

// hangs is the folder of the programs that hang, each in an init of its package dep.
var hangs = filepath.Join(repository, "initwatch", "testdata", "hang")

// A scenario is a program that hangs; its source says how: "// init.0: channel" stands at the line
// in the init, "waits" at that of the innermost call.
type scenario struct {
	name     string
	pkg      string
	function string
	cause    string
	at       string // file:line in the init
	waits    string // file:line of the innermost call
}

var mark = regexp.MustCompile(`// (?:(init(?:\.\d+)?): ([a-z ]+))?(?:, )?(waits)?$`)

// scenarios reads what the sources say.
func scenarios(t *testing.T) []scenario {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(hangs, "*", "dep", "dep.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []scenario
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(filepath.Dir(file)))
		s := scenario{name: name, pkg: "github.com/roster-go/roster/initwatch/testdata/hang/" + name + "/dep"}
		for i, line := range strings.Split(string(source), "\n") {
			m := mark.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			at := file + ":" + itoa(i+1)
			if m[1] != "" {
				s.function, s.cause, s.at = m[1], m[2], at
			}
			if m[3] != "" {
				s.waits = at
			}
		}
		if s.function != "" && (withC() || !strings.Contains(name, "cgo")) {
			all = append(all, s)
		}
	}
	const least = 24 // and three with C
	if len(all) < least {
		t.Fatalf("%d scenarios in %s, want at least %d", len(all), hangs, least)
	}
	return all
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// withC reports whether programs with cgo can be built here.
var withC = sync.OnceValue(func() bool {
	out, err := exec.Command("go", "env", "CGO_ENABLED", "CC").Output()
	enabled, compiler, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	name, _, _ := strings.Cut(compiler, " ")
	_, missing := exec.LookPath(name)
	return err == nil && enabled == "1" && missing == nil
})

var built struct {
	sync.Mutex
	folders map[string]string
}

// build makes the programs with the flags, once for each set of flags; only names some of them.
func build(t *testing.T, flags string, only ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	key := flags + " " + strings.Join(only, " ")
	if folder := built.folders[key]; folder != "" {
		return folder
	}
	folder := filepath.Join(scratch, itoa(len(built.folders)))
	args := append([]string{"build", "-o", folder + string(filepath.Separator)}, strings.Fields(flags)...)
	if len(only) == 0 {
		only = []string{"slowmain"}
		for _, s := range scenarios(t) {
			only = append(only, s.name)
		}
	}
	for _, name := range only {
		if withC() || !strings.Contains(name, "cgo") {
			args = append(args, "./initwatch/testdata/hang/"+name)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	if built.folders == nil {
		built.folders = make(map[string]string)
	}
	built.folders[key] = folder
	return folder
}
