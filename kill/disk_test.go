package kill

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

func open(tb testing.TB, path string) *Switch {
	tb.Helper()
	s, err := Open(path)
	assert.NoError(tb, err)
	tb.Cleanup(func() { s.Close() })
	return s
}

// A fault is why a disk fails.
type fault struct{ err error }

// faulty is an option for switches whose disk fails as long as there is a fault.
func faulty(failing *fault) Option {
	return func(s *Switch) {
		s.disk.write = func(f *os.File, text []byte) (int, error) {
			if failing.err != nil {
				n, _ := f.Write(text[:len(text)/2]) // as much as there was room for
				return n, failing.err
			}
			return f.Write(text)
		}
	}
}

func TestLogRemembers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "kill.log")
	s := open(t, path)
	assert.Equal(t, s.Source(), SourceNothing)
	r, err := s.Apply("hub eu", order(Plugin("a", "1"), 1, false), order(Plugin("b", ""), 1, false))
	assert.NoError(t, err)
	assert.True(t, r.Durable && s.Durable(), "it is durable")
	_, err = s.Apply("hub eu", order(Plugin("b", ""), 2, true))
	assert.NoError(t, err)
	hash := s.Hash()

	_, err = Open(path)
	assert.ErrorAs[*LockedError](t, err)
	assert.NoError(t, s.Close())
	info, err := os.Stat(path)
	assert.NoError(t, err)
	assert.Equal(t, info.Mode().Perm(), fs.FileMode(0o600))

	s = open(t, path)
	assert.Equal(t, s.Loaded(), Loaded{Orders: 2})
	assert.Equal(t, s.Source(), SourceDisk)
	assert.Equal(t, s.Hash(), hash)
	_, killed := s.Killed(Plugin("a", "1"))
	assert.True(t, killed, "what was killed is killed after a restart")
	_, killed = s.Killed(Plugin("b", ""))
	assert.True(t, !killed, "what was revived is not")
	r, err = s.Apply("late", order(Plugin("b", ""), 1, false))
	assert.NoError(t, err)
	assert.Equal(t, r.New, 0)
}

func TestLogIsLockedAgainstAnotherProcess(t *testing.T) {
	if path := os.Getenv("KILL_TEST_LOG"); path != "" {
		_, err := Open(path)
		assert.ErrorAs[*LockedError](t, err)
		return
	}
	path := filepath.Join(t.TempDir(), "kill.log")
	open(t, path)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "KILL_TEST_LOG="+path)
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestLogCutAtEveryByte cuts the log as a crash might, and opens it: everything before the cut is
// there, and what is written afterwards, too.
func TestLogCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	s := open(t, whole)
	var ends []int
	for i := range uint64(4) {
		_, err := s.Apply("test", order(Plugin("p", strings.Repeat("x", int(i))), i+1, i%2 == 1))
		assert.NoError(t, err)
		text, err := os.ReadFile(whole)
		assert.NoError(t, err)
		ends = append(ends, len(text))
	}
	text, err := os.ReadFile(whole)
	assert.NoError(t, err)
	path := filepath.Join(dir, "cut")
	for cut := range len(text) + 1 {
		assert.NoError(t, os.WriteFile(path, text[:cut], 0o600))
		want, rest := 0, cut
		for _, end := range ends {
			if end <= cut {
				want++
				rest = cut - end
			}
		}
		s, err := Open(path)
		assert.NoError(t, err)
		assert.Equal(t, s.Loaded(), Loaded{Orders: want, Torn: rest})
		r, err := s.Apply("test", order(Namespace("later"), 1, false))
		assert.NoError(t, err)
		assert.True(t, r.Durable, "it goes on")
		assert.NoError(t, s.Close())
		s, err = Open(path)
		assert.NoError(t, err)
		assert.Equal(t, s.Loaded(), Loaded{Orders: want + 1})
		assert.NoError(t, s.Close())
	}
}

func TestLogDamagedInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kill.log")
	s := open(t, path)
	for _, n := range []string{"a", "b", "c"} {
		_, err := s.Apply("test", order(Namespace(n), 1, false))
		assert.NoError(t, err)
	}
	assert.NoError(t, s.Close())
	text, err := os.ReadFile(path)
	assert.NoError(t, err)
	damaged := bytes.Replace(text, []byte("namespace/b"), []byte("namespace/x"), 1)
	assert.NoError(t, os.WriteFile(path, damaged, 0o600))

	s = open(t, path)
	assert.Equal(t, s.Loaded(), Loaded{Orders: 2, Damaged: 1})
	kept, err := os.ReadFile(path + ".damaged")
	assert.NoError(t, err)
	assert.Equal(t, string(kept), string(damaged))
	_, killed := s.Killed(Namespace("x"))
	assert.True(t, !killed, "a line with a wrong checksum is not believed")
	eventually(t, "the file is written anew", func() bool { return s.Durable() })
	assert.NoError(t, s.Close())
	s = open(t, path)
	assert.Equal(t, s.Loaded(), Loaded{Orders: 2})
}

func TestLogOfANewerProgramIsNotIgnored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kill.log")
	line := appendLine(nil, order(Namespace("a"), 1, false))
	assert.NoError(t, os.WriteFile(path, bytes.Replace(line, []byte(`{"kill":1`), []byte(`{"kill":2`), 1), 0o600))
	_, err := Open(path)
	assert.ErrorAs[*ReadError](t, err)
}

// TestDiskFull: an order takes effect and is not called durable, and it is once there is room.
func TestDiskFull(t *testing.T) {
	for name, full := range map[string]error{"full": syscall.ENOSPC, "broken": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kill.log")
			failing := &fault{}
			s, err := Open(path, faulty(failing))
			assert.NoError(t, err)
			_, err = s.Apply("test", order(Namespace("before"), 1, false))
			assert.NoError(t, err)
			mended := make(chan struct{}, 1)
			defer s.whenMended(func() { mended <- struct{}{} })()

			s.disk.io.Lock()
			failing.err = full
			s.disk.io.Unlock()
			r, err := s.Apply("test", order(Namespace("a"), 1, false))
			assert.ErrorAs[*DiskError](t, err)
			assert.True(t, errors.Is(err, full), "the error says why")
			assert.True(t, !r.Durable && !s.Durable() && r.New == 1, "it is new and not durable")
			_, killed := s.Killed(Namespace("a"))
			assert.True(t, killed, "it is in effect all the same")

			// A crash now loses it, and nothing else.
			text, err := os.ReadFile(path)
			assert.NoError(t, err)
			crashed := filepath.Join(t.TempDir(), "crashed")
			assert.NoError(t, os.WriteFile(crashed, text, 0o600))
			assert.Equal(t, open(t, crashed).Loaded().Orders, 1)

			s.disk.io.Lock()
			failing.err = nil
			s.disk.io.Unlock()
			select {
			case <-mended:
			case <-time.After(10 * time.Second):
				t.Fatal("writing was not tried again")
			}
			assert.True(t, s.Durable(), "it is durable now")
			assert.NoError(t, s.Close())
			assert.Equal(t, open(t, path).Loaded(), Loaded{Orders: 2})
		})
	}
}

func TestFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	assert.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(filepath.Join(file, "kill.log")) // not a folder: what is in it cannot be known
	assert.ErrorAs[*ReadError](t, err)
}

func TestLogIsCompacted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kill.log")
	s := open(t, path)
	const epochs = compactAfter + 10
	for i := range uint64(epochs) {
		_, err := s.Apply("test", order(Target{Kind: KindCanary, Name: "eu"}, i+1, false))
		assert.NoError(t, err)
	}
	lines := func() int {
		text, err := os.ReadFile(path)
		assert.NoError(t, err)
		return bytes.Count(text, []byte("\n"))
	}
	assert.Equal(t, lines(), epochs)
	s.disk.io.Lock()
	s.compact() // maintain does it within ten seconds
	s.disk.io.Unlock()
	assert.Equal(t, lines(), 1)
	_, err := s.Apply("test", order(Namespace("a"), 1, false))
	assert.NoError(t, err)
	assert.NoError(t, s.Close())
	assert.Equal(t, open(t, path).Set().Len(), 2)
}

func TestCompactionThatFailsLeavesTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kill.log")
	failing := &fault{}
	s, err := Open(path, faulty(failing))
	assert.NoError(t, err)
	_, err = s.Apply("test", order(Namespace("a"), 1, false))
	assert.NoError(t, err)
	s.disk.io.Lock()
	failing.err = syscall.ENOSPC
	s.compact()
	failing.err = nil
	s.disk.io.Unlock()
	assert.True(t, s.Durable(), "the log is as good as before")
	_, err = s.Apply("test", order(Namespace("b"), 1, false))
	assert.NoError(t, err)
	assert.NoError(t, s.Close())
	assert.Equal(t, open(t, path).Loaded(), Loaded{Orders: 2})
}

func TestClosedSwitchStillTakesEffect(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "kill.log"))
	assert.NoError(t, s.Close())
	r, err := s.Apply("test", order(Namespace("a"), 1, false))
	assert.ErrorAs[*DiskError](t, err)
	assert.True(t, !r.Durable, "it is not durable")
	_, killed := s.Killed(Namespace("a"))
	assert.True(t, killed, "it is in effect")
}

func FuzzLog(f *testing.F) {
	text := appendLine(appendLine(nil, order(Namespace("a"), 1, false)), order(Plugin("b", "1"), 2, true))
	f.Add(text)
	f.Add(text[:len(text)-3])
	f.Add([]byte("\n\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		content, err := parseLog(text)
		if err != nil {
			return
		}
		if int(content.end)+content.torn != len(text) {
			t.Fatalf("%d bytes and %d torn of %d", content.end, content.torn, len(text))
		}
		var again []byte
		for _, o := range content.orders {
			if err := o.Validate(); err != nil {
				t.Fatal(err)
			}
			again = appendLine(again, o)
		}
		second, err := parseLog(again)
		assert.NoError(t, err)
		assert.Equal(t, Set{}.Merge(second.orders...).Hash(), Set{}.Merge(content.orders...).Hash())
	})
}
