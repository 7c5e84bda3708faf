package roster_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/testdata/codecs"
)

// A library's wrapper is not what a reader of a conflict looks for: its caller is.
func TestSiteSeesThroughWrappers(t *testing.T) {
	t.Parallel()
	name := rand.Text() // the registry is the process's, and the test may run twice
	assert.NoError(t, codecs.Register(name, "first"))
	e := assert.ErrorAs[*roster.DuplicateError](t, codecs.Register(name, "second"))
	for _, site := range []roster.Site{e.Existing.Site, e.Refused.Site} {
		assert.Equal(t, filepath.Base(site.File), "site_test.go")
		assert.Equal(t, site.Package, "github.com/roster-go/roster_test")
		assert.Contains(t, site.Function, "TestSiteSeesThroughWrappers")
	}
	assert.Equal(t, e.Refused.Site.Line, e.Existing.Site.Line+1)
}

// Two major versions of a module are the classic reason for a clash.
func TestTwoMajorVersionsAreNamed(t *testing.T) {
	t.Parallel()
	claim := func(module string) roster.Claim {
		return roster.Claim{Type: "Codec", Site: roster.Site{
			File: "codec.go", Line: 1, Package: module, Module: module, Version: "v1.0.0",
		}}
	}
	for _, pair := range [][2]string{{"example.com/codec", "example.com/codec/v3"}, {"example.com/codec/v2", "example.com/codec/v3"}} {
		e := &roster.DuplicateError{Registry: "codecs", Name: "json", Existing: claim(pair[0]), Refused: claim(pair[1])}
		assert.Contains(t, e.Error(), "two major versions of one module are linked: import only "+pair[0]+" or only "+pair[1])
	}
	e := &roster.DuplicateError{Registry: "codecs", Name: "json", Existing: claim("example.com/a/video"), Refused: claim("example.com/a")}
	assert.Contains(t, e.Error(), "import only one of the two packages")
}
