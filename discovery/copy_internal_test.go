package discovery

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
)

// Writing the copy of a view that changes all the time takes a twentieth of the time.
func TestCopyIsWrittenSeldomIfThatTakesLong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "view")
	v := NewView(In(roster.NewDirectory()), KeepCopy(path))
	revision := int64(1)
	change := func() {
		revision++
		v.Apply(revision, []Change{{Instance: Instance{Service: "s", ID: "a", Address: "x:" + strings.Repeat("1", int(revision))}}})
	}
	written := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	v.Sync(revision, nil)
	change()
	began := time.Now()
	v.save(false)
	ended := time.Now()
	first := written()
	pause := v.copy.notBefore.Sub(ended)
	if took := ended.Sub(began); pause <= 0 || pause > writePause*took {
		t.Errorf("a write that took less than %v is followed by a pause of %v, want %d times that", took, pause, writePause)
	}
	change()
	v.copy.notBefore = time.Now().Add(time.Hour)
	v.save(false)
	if written() != first {
		t.Error("it was written within the pause")
	}
	v.copy.notBefore = time.Now()
	v.save(false)
	second := written()
	if second == first {
		t.Error("it was not written after the pause")
	}
	change()
	v.copy.notBefore = time.Now().Add(time.Hour)
	v.save(true)
	if written() == second {
		t.Error("the last state was not written")
	}
}
