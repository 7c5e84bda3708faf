package doctor

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestListenerPassesOnAllButTheTrace, however it is cut into writes.
func TestListenerPassesOnAllButTheTrace(t *testing.T) {
	const written = "init sync @1.2 ms, 0.25 ms clock, 16 bytes, 2 allocs\nname? init me\ninit done\n" +
		"init a/b @3 ms, 7 ms clock, 0 bytes, 0 allocs\nfatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [sleep]:\nlast"
	const wanted = "name? init me\ninit done\nfatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [sleep]:\nlast"
	for step := 1; step < len(written); step++ {
		var out bytes.Buffer
		l := &listener{out: &out}
		for rest := written; rest != ""; {
			n := min(step, len(rest))
			if _, err := l.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		dump, inits, latest := l.heard()
		if out.String() != wanted {
			t.Fatalf("step %d: passed on %q", step, out.String())
		}
		if len(inits) != 2 || inits[0] != (Init{Package: "sync", At: 1200 * time.Microsecond, Took: 250 * time.Microsecond, Bytes: 16, Allocs: 2}) || latest.IsZero() {
			t.Fatalf("step %d: %+v", step, inits)
		}
		if !strings.HasPrefix(dump, "fatal error: ") || !strings.HasSuffix(dump, "last") {
			t.Fatalf("step %d: dump %q", step, dump)
		}
	}
}

func TestListenerIsBounded(t *testing.T) {
	var out bytes.Buffer
	l := &listener{out: &out}
	l.mute()
	line := []byte(strings.Repeat("x", 1<<20) + "\n")
	for range 20 {
		if _, err := l.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if dump, _, _ := l.heard(); len(dump) > dumpMost || len(dump) < dumpMost/2 || out.Len() > 0 {
		t.Errorf("%d bytes of dump, %d passed on", len(dump), out.Len())
	}
}
