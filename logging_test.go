package roster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// A journal keeps log lines as JSON.
type journal struct{ bytes.Buffer }

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// take returns the lines since it was last called, each as its attributes say.
func (j *journal) take(t *testing.T, attributes ...string) []string {
	t.Helper()
	var list []string
	for line := range strings.Lines(j.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		words := []string{fmt.Sprint(fields["msg"])}
		for _, name := range attributes {
			if _, ok := fields[name]; !ok {
				t.Errorf("without %s: %s", name, line)
			}
			words = append(words, fmt.Sprint(fields[name]))
		}
		list = append(list, strings.Join(words, " "))
	}
	j.Reset()
	return list
}

func TestEachLoadIsALine(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[int](roster.Named("codecs"), roster.In(d))
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
	files := roster.NewLazy(func(context.Context, string) (int, error) { return 1, nil }, roster.Named("files"), roster.In(d))
	codecs.Register("json", 1)
	codecs.Register("gob", 2)

	log := new(journal)
	stop := d.LogLoads(log.logger())
	taken := func() []string { return log.take(t, "registry_name", "handler_name", "source") }
	assert.Equal(t, taken(), []string{
		"runtime_loaded_handlers codecs gob linked-in", "runtime_loaded_handlers codecs json linked-in",
	}) // what is there already

	codecs.Register("xml", 3)
	assert.NoError(t, codecs.Override("json", 7))
	assert.True(t, codecs.TryRegister("xml", 4) != nil, "a clash is none")
	assert.Equal(t, taken(), []string{
		"runtime_loaded_handlers codecs xml linked-in", "runtime_loaded_handlers codecs json linked-in",
	})

	assert.NoError(t, routes.Reload(map[string]int{"b": 2, "a": 1}))
	assert.NoError(t, routes.Reload(map[string]int{"b": 3, "a": 1, "c": 4}))
	assert.NoError(t, routes.Unregister("c"))
	assert.Equal(t, taken(), []string{
		"runtime_loaded_handlers routes a linked-in", "runtime_loaded_handlers routes b linked-in",
		"runtime_loaded_handlers routes c linked-in", "runtime_loaded_handlers routes b linked-in",
	}) // what differs

	_, _ = files.Get("f")
	_, _ = files.Get("f")
	assert.Equal(t, taken(), []string{"runtime_loaded_handlers files f lazy load"})

	scope := roster.NewScope(codecs, roster.Named("tenant"), roster.In(d))
	scope.Register("own", 5)
	assert.Equal(t, taken(), []string{"runtime_loaded_handlers tenant own linked-in"})

	stop()
	codecs.Register("late", 6)
	assert.Equal(t, taken(), nil)
	runtime.KeepAlive(scope)
	runtime.KeepAlive(routes)
}

func TestALineOfALoadSaysWhoRegistered(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[fmt.Stringer](roster.Named("codecs"), roster.In(d))
	other := roster.New[int](roster.Named("other"), roster.In(d))
	log := new(journal)
	defer d.LogLoads(log.logger(), "codecs")()
	other.Register("not asked for", 1)
	codecs.Register("json", secretive("hunter2"))
	text := log.String()
	for _, part := range []string{`"type":"roster_test.secretive"`, "logging_test.go:", `"handler_version":"`, "github.com/roster-go/roster"} {
		if !strings.Contains(text, part) {
			t.Errorf("without %s: %s", part, text)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "not asked for") {
		t.Errorf("it says too much: %s", text)
	}
	runtime.KeepAlive(other)
}

type secretive string

func (s secretive) String() string { return string(s) }

// Every name has a line, whenever it is registered; a second one is allowed to those that come
// while the log starts.
func TestLogLoadsConcurrentSafe(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[int](roster.Named("codecs"), roster.In(d))
	var mu sync.Mutex
	log := new(journal)
	const writers, each = 4, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				codecs.Register(fmt.Sprintf("n%d-%d", w, i), 1)
			}
		})
	}
	stop := d.LogLoads(slog.New(slog.NewJSONHandler(locked{&mu, log}, nil)))
	for range 8 {
		wg.Go(func() { d.LogLoads(slog.New(slog.DiscardHandler))() })
	}
	wg.Wait()
	stop()
	seen := make(map[string]bool)
	for _, line := range log.take(t, "handler_name") {
		seen[line] = true
	}
	assert.Equal(t, len(seen), writers*each)
	runtime.KeepAlive(codecs)
}

type locked struct {
	mu *sync.Mutex
	to *journal
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

func TestNamesAreLoggedSorted(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	verbs := roster.NewHot[int](roster.Named("verbs"), roster.In(d))
	codecs := roster.New[int](roster.Named("codecs"), roster.In(d))
	many := roster.New[int](roster.Named("many"), roster.In(d))
	for _, name := range []string{"xml", "gob", "json"} {
		codecs.Register(name, 1)
	}
	for i := range 1_003 {
		many.Register(fmt.Sprintf("n%04d", i), 1)
	}
	log := new(journal)
	d.LogNames(log.logger())
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	assert.Equal(t, len(lines), 3)
	assert.Equal(t, lines[0], `{"level":"INFO","msg":"registry","registry_name":"codecs","lifecycle":"startup-only","size":3,"names":["gob","json","xml"]}`)
	assert.True(t, strings.HasSuffix(lines[1], `"n0998","n0999"],"names_left_out":3}`), "no more than a thousand names")
	assert.Equal(t, lines[2], `{"level":"INFO","msg":"registry","registry_name":"verbs","lifecycle":"hot","size":0,"names":[]}`)
	for _, r := range []roster.Inspector{verbs, codecs, many} { // a directory holds registries weakly
		runtime.KeepAlive(r)
	}
}
