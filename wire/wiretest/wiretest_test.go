package wiretest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/wire"
	"github.com/roster-go/roster/wire/wiretest"
)

type (
	thing  interface{ thing() }
	circle struct {
		Radius float64 `json:"radius"`
		Tags   map[string][]string
	}
	circleV2 struct {
		Radius string `json:"radius"`
		Color  string
	}
)

// A circleRenamed is the same in JSON, and another in gob.
type circleRenamed struct {
	R    float64 `json:"radius"`
	Tags map[string][]string
}

func (circle) thing()        {}
func (circleV2) thing()      {}
func (circleRenamed) thing() {}

// said collects what a test reports.
type said struct {
	testing.TB

	text string
}

func (s *said) Helper()                           {}
func (s *said) Errorf(format string, args ...any) { s.text += fmt.Sprintf(format, args...) }

func TestGolden(t *testing.T) {
	t.Setenv(wiretest.Update, "")
	fresh := func() *wire.Registry[thing] { return wire.New[thing](wire.Inline("type"), roster.Unlisted()) }
	file := filepath.Join(t.TempDir(), "wire.manifest")
	first := fresh()
	wire.Register[circle](first, "circle", wire.Alias("disc"))
	check := func(r *wire.Registry[thing]) string {
		s := &said{TB: t}
		wiretest.Golden(s, r, file)
		return strings.ReplaceAll(s.text, file, "FILE")
	}
	assert.True(t, strings.Contains(check(first), "there is no manifest FILE yet: run the test with UPDATE_GOLDEN=1"), "the first run says what to do")
	assert.Equal(t, first.Manifest(), "circle @1\n\talias disc\n\tfield Tags{}[] string\n\tfield radius float64\n")
	assert.NoError(t, os.WriteFile(file, []byte(first.Manifest()), 0o600))
	assert.Equal(t, check(first), "")

	renamed := fresh()
	wire.Register[circle](renamed, "ring")
	assert.Equal(t, check(renamed), `what this program writes and reads is not what FILE says:
	BREAKING: "circle" is gone, and old data with it cannot be read. If its type has another name now, register it with wire.Alias("circle")
	compatible: "ring" is new
If that is meant, run the test with UPDATE_GOLDEN=1.`)

	aliased := fresh()
	wire.Register[circle](aliased, "ring", wire.Alias("circle"))
	text := check(aliased)
	assert.True(t, strings.Contains(text, `compatible: "circle" is an alias of "ring" now`), text)
	assert.True(t, strings.Contains(text, `BREAKING: the alias "disc" of "circle" is gone`), text)

	changed := fresh()
	wire.Register[circleV2](changed, "circle", wire.Alias("disc"))
	text = check(changed)
	for _, want := range []string{
		`BREAKING: the field radius of "circle" is string now, before float64. Raise wire.Version`,
		`BREAKING: the field Tags{}[] of "circle" is gone`, `compatible: the field Color of "circle" is new`,
	} {
		assert.True(t, strings.Contains(text, want), text+" says "+want)
	}

	upgraded := fresh()
	wire.Register[circleV2](upgraded, "circle", wire.Alias("disc"), wire.Version(2),
		wire.Upgrade(1, func(circle) (circleV2, error) { return circleV2{}, nil }))
	text = check(upgraded)
	assert.True(t, strings.Contains(text, `compatible: "circle" is written as version @2 now`) && !strings.Contains(text, "BREAKING"), text)

	both := fresh()
	wire.Register[circleV2](both, "my circle")
	wire.Register[circle](both, "my disc")
	assert.NoError(t, os.WriteFile(file, []byte(both.Manifest()), 0o600))
	one := fresh()
	wire.Register[circle](one, "my disc")
	assert.True(t, strings.Contains(check(one), `BREAKING: "my circle" is gone`), "names may have spaces")

	gob := fresh().UseForGob()
	wire.Register[circle](gob, "circle")
	assert.Equal(t, gob.Manifest(), "circle @1\n\tfield Tags{}[] string\n\tfield radius float64\n\tgob Radius float\n\tgob Tags{key} string\n\tgob Tags{}[] string\n")
	assert.NoError(t, os.WriteFile(file, []byte(gob.Manifest()), 0o600))
	assert.True(t, strings.Contains(check(renamed), `BREAKING: "circle" is gone`), "gob or not, a name is a name")
	renamedField := fresh().UseForGob()
	wire.Register[circleRenamed](renamedField, "circle")
	text = check(renamedField)
	assert.True(t, strings.Contains(text, `BREAKING: the field Radius in gob of "circle" is gone`) && !strings.Contains(text, "field radius"), text)

	t.Setenv(wiretest.Update, "1")
	assert.Equal(t, check(upgraded), "")
	t.Setenv(wiretest.Update, "")
	assert.Equal(t, check(upgraded), "")
}
