package rostertest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rostertest"
)

func TestMain(m *testing.M) { os.Exit(rostertest.Main(m)) }

// A suite stands for the tests of a package.
type suite struct {
	status int
	body   func()
}

func (s suite) Run() int {
	s.body()
	return s.status
}

func TestMainReturnsTheStatus(t *testing.T) {
	h := roster.NewHot[string](roster.Named("hot"), quiet())
	clean, leaking := func() {}, func() { h.Register("json", "JSON") }
	for _, tt := range []struct {
		suite  suite
		status int
		report string
	}{
		{suite{0, clean}, 0, ""},
		{suite{2, clean}, 2, ""},
		{suite{0, leaking}, 1, `"json" added: string, registered at `},
		{suite{2, leaking}, 2, `"json" added: string, registered at `},
	} {
		status := 0
		report := stderr(t, func() { status = rostertest.Main(tt.suite, h) })
		assert.Equal(t, status, tt.status)
		assert.Contains(t, report, tt.report)
		assert.Equal(t, report == "", tt.report == "")
		_ = h.Unregister("json") // it is there only if the suite leaks
	}
}

// stderr returns what f writes to standard error.
func stderr(t *testing.T, f func()) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stderr")
	file, err := os.Create(name)
	assert.NoError(t, err)
	standard := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = standard }()
	f()
	assert.NoError(t, file.Close())
	text, err := os.ReadFile(name)
	assert.NoError(t, err)
	return string(text)
}
