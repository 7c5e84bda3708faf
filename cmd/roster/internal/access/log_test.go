package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// testLog is a log whose clock the test sets, and which writes counts only when it is told to.
func testLog(t *testing.T, limit int64) (l *Log, now *time.Time) {
	t.Helper()
	l, err := openLog(filepath.Join(t.TempDir(), "audit", "a.jsonl"), nil, limit, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	now = new(time.Now())
	l.now = func() time.Time { return *now }
	return l, now
}

func lines(t *testing.T, path string) []Entry {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var entries []Entry
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		entries = append(entries, e)
	}
	return entries
}

// Hostile strings stay in their field: one entry is one line of bounded length, of characters that can be
// seen, without secrets.
func TestEntriesAreBoundedAndEscaped(t *testing.T) {
	t.Parallel()
	l, _ := testLog(t, maxLogFile)
	token, id := newToken()
	hostile := "a\n{\"who\":\"root\"}\x1b[2J\u202e</script>\xff\x00" + token + strings.Repeat("é", 1<<20)
	e := Entry{
		Who: hostile, Role: hostile, Says: hostile, Action: hostile, Target: hostile, Why: hostile, From: hostile,
		Outcome: hostile, Error: hostile,
	}
	if err := l.Write(e, true); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n != 1 || len(text) > maxLine {
		t.Errorf("%d lines, %d bytes", n, len(text))
	}
	for _, bad := range []string{"\x1b", "\u202e", "</script>", "\x00", token[len(TokenPrefix)+idLen+1:]} {
		if bytes.Contains(text, []byte(bad)) {
			t.Errorf("the line has %q", bad)
		}
	}
	got := lines(t, l.path)[0]
	if !strings.Contains(got.Why, id) || !utf8.ValidString(got.Why) || len(got.Why) > maxText || len(got.Who) > maxField {
		t.Errorf("why is %d bytes: %.200q", len(got.Why), got.Why)
	}
}

func FuzzClean(f *testing.F) {
	token, _ := newToken()
	f.Add("a\nb", 10)
	f.Add(token+token, 300)
	f.Add("\xff\u202e", 20)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = 8 + max(0, n)%2000
		got := clean(text, n)
		if len(got) > n || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x1b\x00\u202e") {
			t.Errorf("clean(%q, %d) = %q", text, n, got)
		}
	})
}

func TestLogIsReadAgain(t *testing.T) {
	t.Parallel()
	l, _ := testLog(t, maxLogFile)
	for i := range 3 {
		if err := l.Write(Entry{Who: strconv.Itoa(i), Outcome: Allowed}, false); err != nil {
			t.Fatal(err)
		}
	}
	// A process that dies while it writes leaves half of a line.
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	again, err := OpenLog(l.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Write(Entry{Who: "3"}, false); err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(l.path)
	if err != nil || bytes.Count(text, []byte("\n")) != 5 {
		t.Errorf("%s, %v", text, err)
	}
	for n, want := range map[int]int{0: 0, 2: 2, 100: 4, -1: 0} {
		got := again.Last(n)
		if len(got) != want || want > 0 && got[want-1].Who != "3" {
			t.Errorf("Last(%d) = %+v", n, got)
		}
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(l.path, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLog(l.path, nil); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("a log that others can read: %v", err)
		}
	}
}

func TestLogRotates(t *testing.T) {
	t.Parallel()
	const limit, total = 1000, 200
	l, _ := testLog(t, limit)
	for i := range total {
		if err := l.Write(Entry{Who: strconv.Itoa(i)}, false); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(l.path + "*")
	if err != nil || len(files) != 1+keptLogs {
		t.Errorf("files %v, %v", files, err)
	}
	next := total - 1
	for _, path := range append([]string{l.path}, numberedFiles(l.path)...) {
		if info, err := os.Stat(path); err != nil || info.Size() > limit || info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			t.Errorf("%s: %v, %v", path, info, err)
		}
		entries := lines(t, path)
		for i := range entries {
			if got := entries[len(entries)-1-i].Who; got != strconv.Itoa(next) {
				t.Fatalf("%s has %s where %d belongs", path, got, next)
			}
			next--
		}
	}
}

func numberedFiles(path string) []string {
	var all []string
	for n := 1; n <= keptLogs; n++ {
		all = append(all, fmt.Sprintf("%s.%d", path, n))
	}
	return all
}

// A thousand calls are two lines: the first, and those after it with their count.
func TestManyOfTheSameAreFolded(t *testing.T) {
	t.Parallel()
	l, now := testLog(t, maxLogFile)
	call := Entry{Who: "a", Action: "call", Target: "t", From: "127.0.0.1:1", Outcome: Allowed}
	for i := range 1000 {
		call.From = fmt.Sprintf("127.0.0.1:%d", i+1)
		if err := l.Fold(call); err != nil {
			t.Fatal(err)
		}
	}
	if got := lines(t, l.path); len(got) != 1 || got[0].Count != 0 {
		t.Errorf("%+v", got)
	}
	l.mu.Lock()
	l.flush(*now, false)
	l.mu.Unlock()
	if got := lines(t, l.path); len(got) != 1 {
		t.Errorf("before a minute is over: %+v", got)
	}
	*now = now.Add(foldFor)
	l.mu.Lock()
	l.flush(*now, false)
	l.mu.Unlock()
	got := lines(t, l.path)
	if len(got) != 2 || got[1].Count != 999 || got[1].From != "127.0.0.1:1000" {
		t.Errorf("%+v", got)
	}
}

// A flood of refusals of callers who are not known is few lines, and hides neither its size nor what callers
// who are known do.
func TestFloodsOfRefusalsAreFewLines(t *testing.T) {
	t.Parallel()
	l, now := testLog(t, maxLogFile)
	const flood = 5000
	for i := range flood {
		e := Entry{Action: "kill", Target: strconv.Itoa(i), From: fmt.Sprintf("10.0.%d.%d:1", i/250, i%250), Outcome: Refused}
		if err := l.Fold(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Fold(Entry{Who: "bob", Action: "kill", Target: "x", From: "10.0.0.1:1", Outcome: Refused}); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(foldFor)
	l.mu.Lock()
	l.flush(*now, true)
	if n := len(l.folds); n != 0 {
		t.Errorf("%d folds are kept", n)
	}
	l.mu.Unlock()
	refused, bob := 0, 0
	got := lines(t, l.path)
	for _, e := range got {
		if e.Who == "bob" {
			bob++
			continue
		}
		refused += max(1, e.Count)
	}
	if refused != flood || bob != 1 || len(got) > refusalLines+10 {
		t.Errorf("%d lines stand for %d refusals, and %d of bob", len(got), refused, bob)
	}
}

// Whoever calls thousands of names fills a bounded number of lines, which have his name, and takes none
// from others, nor from kills.
func TestFloodOfOneCallerIsFewLines(t *testing.T) {
	t.Parallel()
	l, now := testLog(t, maxLogFile)
	const flood = 5000
	for i := range flood {
		if err := l.Fold(Entry{Who: "mallory", Action: "call", Target: strconv.Itoa(i), Outcome: Allowed}); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []Entry{
		{Who: "mallory", Action: "kill", Target: "x", Outcome: Refused},
		{Who: "bob", Action: "call", Target: "x", Outcome: Allowed},
	} {
		if err := l.Fold(e); err != nil {
			t.Fatal(err)
		}
	}
	*now = now.Add(foldFor)
	l.mu.Lock()
	l.flush(*now, true)
	l.mu.Unlock()
	calls, kills, bob := 0, 0, 0
	got := lines(t, l.path)
	for _, e := range got {
		switch {
		case e.Who == "bob":
			bob++
		case e.Who == "mallory" && e.Action == "kill":
			kills++
		case e.Who == "mallory":
			calls += max(1, e.Count)
		}
	}
	if calls != flood || kills != 1 || bob != 1 || len(got) > servedLines+10 {
		t.Errorf("%d lines stand for %d calls and %d kills of mallory, and %d of bob", len(got), calls, kills, bob)
	}
}

// An entry that cannot be written is an error, which is also in memory, and the log works again when
// there is room.
func TestDiskThatTakesNothing(t *testing.T) {
	t.Parallel()
	l, _ := testLog(t, maxLogFile)
	whole := l.file
	readOnly, err := os.Open(l.path) // what is written to it fails, as on a full disk
	if err != nil {
		t.Fatal(err)
	}
	l.file = readOnly
	err = l.Write(Entry{Who: "a"}, true)
	if _, ok := err.(*AuditError); !ok { //nolint:errorlint // the type itself is promised
		t.Errorf("the error is %v", err)
	}
	if got := l.Last(1); len(got) != 1 || got[0].Who != "a" {
		t.Errorf("in memory: %+v", got)
	}
	_ = readOnly.Close()
	l.file = whole
	if err := l.Write(Entry{Who: "b"}, true); err != nil || len(lines(t, l.path)) != 1 {
		t.Errorf("when there is room: %v", err)
	}
}

func TestLogConcurrentSafe(t *testing.T) {
	t.Parallel()
	l, _ := testLog(t, 10_000)
	const writers, each = 8, 100
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := l.Write(Entry{Who: strconv.Itoa(w), Why: strconv.Itoa(i)}, false); err != nil {
					t.Error(err)
				}
				_ = l.Fold(Entry{Who: "x", Outcome: Refused})
			}
		})
	}
	followed := make(chan int)
	go func() {
		n := 0
		for seen := uint64(0); n < writers*each; {
			entries, total, more := l.Since(seen)
			for _, e := range entries {
				if e.Who != "x" {
					n++
				}
			}
			if seen = total; n < writers*each {
				<-more
			}
		}
		followed <- n
	}()
	wg.Wait()
	select {
	case n := <-followed:
		if n != writers*each {
			t.Errorf("a follower saw %d entries", n)
		}
	case <-time.After(time.Minute):
		t.Error("a follower waits for entries that are there")
	}
}
