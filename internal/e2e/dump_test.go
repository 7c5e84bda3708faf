package e2e_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/maruel/panicparse/v2/stack"

	"github.com/roster-go/roster/initwatch/hang"
)

// TestDumpsReadAsPanicparseReadsThem: another parser, of another author, finds the same goroutines and calls
// in dumps of both formats, of programs that hang in as many ways.
func TestDumpsReadAsPanicparseReadsThem(t *testing.T) {
	root := docsRoot(t)
	folder := t.TempDir()
	names := []string{"cgocallback", "dns", "fifo", "hiddenticker", "httpget", "late", "once", "oncevalue", "waitgroup"}
	args := []string{"build", "-o", folder + "/"}
	for _, name := range names {
		args = append(args, "./initwatch/testdata/hang/"+name)
	}
	build := exec.CommandContext(t.Context(), "go", args...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			dump := dumpOf(t, filepath.Join(folder, name))
			own, theirs := hang.Parse(dump), otherParse(t, dump)
			if len(own) != len(theirs) || len(own) == 0 {
				t.Fatalf("%d goroutines, panicparse has %d:\n%s", len(own), len(theirs), dump)
			}
			for i, g := range own {
				compare(t, g, theirs[i])
			}
		})
	}
}

// dumpOf has a program write a dump: at once if it deadlocks, at SIGQUIT once its init sleeps.
func dumpOf(t *testing.T, program string) string {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it ends badly in any case
		close(ended)
	}()
	const limit = time.Minute
	// The handler of SIGQUIT is in place before any init runs. How far it is does not matter: any dump will do.
	const begun = 300 * time.Millisecond
	select {
	case <-ended:
	case <-time.After(begun):
		_ = cmd.Process.Signal(syscall.SIGQUIT) // it may have ended
		select {
		case <-ended:
		case <-time.After(limit):
			_ = cmd.Process.Kill()
			t.Fatalf("%s did not end at SIGQUIT", program)
		}
	}
	return stderr.String()
}

// otherParse has panicparse read all snapshots of a dump: it takes goroutine 0 for one of its own.
func otherParse(t *testing.T, dump string) []*stack.Goroutine {
	t.Helper()
	var all []*stack.Goroutine
	in := io.Reader(strings.NewReader(dump))
	for {
		snapshot, rest, err := stack.ScanSnapshot(in, io.Discard, &stack.Opts{LocalGOROOT: "", NameArguments: false})
		if snapshot != nil {
			all = append(all, snapshot.Goroutines...)
		}
		if err != nil {
			return all
		}
		in = io.MultiReader(bytes.NewReader(rest), in)
	}
}

func compare(t *testing.T, own hang.Goroutine, theirs *stack.Goroutine) {
	t.Helper()
	if own.ID != int64(theirs.ID) || own.State != theirs.State || len(own.Frames) != len(theirs.Stack.Calls) {
		t.Errorf("goroutine %d [%s] with %d calls, panicparse has %d [%s] with %d", own.ID, own.State, len(own.Frames),
			theirs.ID, theirs.State, len(theirs.Stack.Calls))
		return
	}
	for i, f := range own.Frames {
		call := theirs.Stack.Calls[i]
		if at := call.RemoteSrcPath + ":" + strconv.Itoa(call.Line); f.At() != at || !strings.HasSuffix(call.Func.Complete, f.Function) &&
			!strings.HasSuffix(f.Function, call.Func.Name) {
			t.Errorf("goroutine %d, call %d: %s at %s, panicparse has %s at %s", own.ID, i, f.Function, f.At(), call.Func.Complete, at)
		}
	}
	if created := theirs.CreatedBy.Calls; len(created) > 0 && created[0].Line != own.Creator.Line {
		t.Errorf("goroutine %d: created at %s, panicparse has %+v", own.ID, own.Creator.At(), created[0])
	}
}
