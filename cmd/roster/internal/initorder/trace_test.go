package initorder

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// repository is the folder of this repository.
var repository, _ = filepath.Abs(filepath.Join("..", "..", "..", ".."))

// programs are real ones: of this repository, of its dependencies, and of the Go
// distribution. More of them, from elsewhere, run in internal/e2e under make soak.
var programs = []struct {
	dir, pattern string
	args         []string
}{
	{"cmd/roster", ".", []string{"--version"}},
	{"examples", "./first", nil},
	{"examples", "./greeter", nil},
	{"examples", "./markdown", nil},
	{"examples", "./thumbnail", nil},
	{"examples", "./store", nil},
	{".", "cmd/nm", []string{"-h"}},
	{".", "cmd/gofmt", []string{"-h"}},
	{".", "cmd/vet", []string{"-V=full"}},
	{"cmd/roster", "google.golang.org/protobuf/cmd/protoc-gen-go", []string{"--version"}},
}

func TestOrderIsThatOfTheRuntime(t *testing.T) {
	for _, p := range programs {
		t.Run(filepath.Base(p.dir+"/"+p.pattern), func(t *testing.T) {
			dir := filepath.Join(repository, p.dir)
			binary := build(t, dir, p.pattern)
			trace := traceOf(t, binary, p.args...)
			order, err := OfPackage(t.Context(), p.pattern, Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := order.Compare(trace); err != nil {
				t.Error("of the package:", err)
			}
			if order, err = OfBinary(binary); err != nil {
				t.Fatal(err)
			}
			if err := order.Compare(trace); err != nil {
				t.Error("of the binary:", err)
			}
			t.Logf("%d packages", len(trace))
		})
	}
}

// build builds a program and returns its file.
func build(t *testing.T, dir, pattern string, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", binary}, flags...), pattern)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pattern, err, out)
	}
	return binary
}

// traceOf runs a program until it ends by itself, and returns its init trace.
func traceOf(t *testing.T, binary string, args ...string) []Traced {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	trace, err := ReadTrace(strings.NewReader(stderr.String()))
	if err != nil {
		t.Fatal(err)
	}
	const fewest = 10
	if len(trace) < fewest {
		t.Fatalf("a trace of %d packages: %s", len(trace), stderr.String())
	}
	return trace
}

func TestReadTrace(t *testing.T) {
	t.Parallel()
	trace, err := ReadTrace(strings.NewReader("hello\ninit q/a%2eb @1.5 ms, 0.25 ms clock, 16 bytes, 1 allocs\ninit main @2 ms\n"))
	if err != nil || len(trace) != 1 {
		t.Fatalf("got %v, %v", trace, err)
	}
	want := Traced{"q/a.b", Time{1500 * time.Microsecond, 250 * time.Microsecond, 16, 1}}
	if trace[0] != want {
		t.Errorf("got %v, want %v", trace[0], want)
	}
	_, err = ReadTrace(strings.NewReader("init a @1.2.3 ms, 0 ms clock, 0 bytes, 0 allocs\n"))
	if err == nil || !strings.Contains(err.Error(), "trace of a: a time of 1.2.3 ms") {
		t.Errorf("got %v", err)
	}
}

func TestTracesThatDiffer(t *testing.T) {
	t.Parallel()
	tests := []struct{ order, trace, want string }{
		{"a b c", "a b c", ""},
		{"a b c", "a c b", "at position 2 the order has b and the trace has c"},
		{"a b", "a", "at position 2 the order has b and the trace has nothing"},
		{"a", "a b", "at position 2 the order has nothing and the trace has b"},
	}
	for _, tt := range tests {
		var order Order
		for path := range strings.FieldsSeq(tt.order) {
			order.Steps = append(order.Steps, Step{Package: path})
		}
		var trace []Traced
		for path := range strings.FieldsSeq(tt.trace) {
			trace = append(trace, Traced{Package: path})
		}
		err := order.Compare(trace)
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s and %s: got %v", tt.order, tt.trace, err)
		}
	}
}

// FuzzReadTrace checks that no output of a program is a panic, and that each package that
// is read stands in a line of its own.
func FuzzReadTrace(f *testing.F) {
	f.Add("init main @2.5 ms, 0.1 ms clock, 512 bytes, 7 allocs\n")
	f.Add("init a%2eb%zz% @0 ms, 0 ms clock, 0 bytes, 99999999999999999999 allocs\n")
	f.Add("init x @1..2 ms, . ms clock, 1 bytes, 1 allocs\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		trace, err := ReadTrace(strings.NewReader(text))
		if err == nil && len(trace) > strings.Count(text, "init ") {
			t.Errorf("%d packages in %q", len(trace), text)
		}
	})
}
