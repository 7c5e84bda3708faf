package vet_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/roster-go/roster/vet"
)

// TestAnalyzers runs each analyzer over code with hits, which say what is wanted, and with look-alikes that
// stay quiet.
func TestAnalyzers(t *testing.T) {
	if err := vet.GlobalRegistry.Flags.Set("advice", "true"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		analyzer *analysis.Analyzer
		packages []string
	}{
		{vet.DuplicateName, []string{"duplicatename", "duplicatename/codec", "duplicatename/known"}},
		{vet.GlobalRegistry, []string{"globalregistry"}},
		{vet.GobName, []string{"gobname"}},
		{vet.Homemade, []string{"homemade"}},
		{vet.Ignore, []string{"ignore"}},
		{vet.InitEffects, []string{"initeffects", "initeffects/dep"}},
		{vet.InitLookup, []string{"initlookup", "initlookup/imports"}},
		{vet.LateRegister, []string{"lateregister"}},
		{vet.MissingProvider, []string{"missingprovider", "missingprovider/store"}},
		{vet.NilRemove, []string{"nilremove"}},
		{vet.ReflectTypeKey, []string{"reflecttypekey"}},
	}
	for _, tt := range tests {
		t.Run(tt.analyzer.Name, func(t *testing.T) {
			analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), tt.analyzer, tt.packages...)
		})
	}
}

// TestBlankImport has its expectations here: a comment in the code would be a reason.
func TestBlankImport(t *testing.T) {
	var found []string
	for _, result := range analysistest.Run(collect{t, &found}, analysistest.TestData(), vet.BlankImport, "blankimport", "blankimport/bare") {
		for _, d := range result.Diagnostics {
			p := result.Pass.Fset.Position(d.Pos)
			found = append(found, strings.TrimPrefix(p.String(), analysistest.TestData()+"/src/")+": "+d.Message)
		}
	}
	found = slices.DeleteFunc(found, func(s string) bool { return strings.Contains(s, "unexpected diagnostic") })
	want := []string{
		`blankimport/bare/a.go:6:2: import _ "aggregate" has no comment that says what it is for`,
		`blankimport/bare/a.go:7:2: import _ "github.com/lib/pq" has no comment that says what it is for: it registers "postgres" (database/sql drivers)`,
		`blankimport/bare/a.go:9:2: import _ "pure" registers nothing: neither the package nor what it imports has anything that runs at its import; delete the import`,
		`blankimport/bare/a.go:11:2: import _ "image/gif" has no comment that says what it is for: it registers "gif" (image formats)`,
		`blankimport/bare/b.go:3:8: import _ "image/png" has no comment that says what it is for: it registers "png" (image formats)`,
		`blankimport/bare/c.go:3:8: import _ "time/tzdata" has no comment that says what it is for: it registers 598 names (time zones)`,
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %s", strings.Join(found, "\n"))
	}
}

// collect takes the errors of analysistest for what they are here: findings.
type collect struct {
	t     *testing.T
	found *[]string
}

func (c collect) Errorf(format string, args ...any) {
	if !strings.Contains(format, "unexpected diagnostic") && !strings.Contains(format, "unexpected") {
		c.t.Errorf(format, args...)
	}
}

// TestEveryAnalyzerSaysHow: the text of an analyzer explains itself.
func TestEveryAnalyzerSaysHow(t *testing.T) {
	if err := analysis.Validate(vet.Analyzers()); err != nil {
		t.Fatal(err)
	}
	for _, a := range vet.Analyzers() {
		for _, part := range []string{a.Name + ": find ", "Why: ", "Wrong:", "Right:", "ilence"} {
			if !strings.Contains(a.Doc, part) {
				t.Errorf("%s: its text has no %q", a.Name, part)
			}
		}
		if !strings.HasSuffix(a.URL, "docs/errors.md#vet"+a.Name) {
			t.Errorf("%s: its URL is %s", a.Name, a.URL)
		}
	}
	if !slices.IsSortedFunc(vet.Analyzers(), func(a, b *analysis.Analyzer) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the analyzers are not sorted")
	}
}
