package rostertest_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

// The package testdata/leaky has tests that fail. What they print is what users see.
func TestReports(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "leaky.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "./testdata/leaky").CombinedOutput()
	if err != nil {
		t.Fatalf("go test -c ./testdata/leaky: %v\n%s", err, out)
	}
	for _, tt := range []struct {
		test   string // the one to run
		passes bool
		want   []string // parts of the output
		not    []string // what the output does not have
	}{
		{
			test: "TestParallelOverride",
			want: []string{
				"leaky_test.go:17: ", `rostertest: TestParallelOverride cannot override "json" in registry "codecs": `,
				"called t.Parallel", "roster.NewScope",
			},
			not: []string{"panic"},
		},
		{
			test: "TestBelowParallelOverride",
			want: []string{`rostertest: TestBelowParallelOverride/below cannot override "json" in registry "codecs": `},
			not:  []string{"panic"},
		},
		{
			test: "TestOverrideThenParallel",
			want: []string{"panic: testing: test using t.Setenv", "can not use t.Parallel"},
		},
		{
			test: "TestParallelNoLeaks",
			want: []string{"rostertest: TestParallelNoLeaks cannot tell what it leaves in a registry from what others leave: "},
		},
		{
			test: "TestLeaks",
			want: []string{
				"--- FAIL: TestLeaks",
				`rostertest: TestLeaks left registry "codecs" (created at `, "shared.go:7 in package",
				`"fake" added: string, registered at `, "leaky_test.go:39 in package", ", in TestLeaks",
				`rostertest: TestLeaks left registry "limits" (created at `,
				`"free" replaced: int, registered at `, "leaky_test.go:40 ", "; before, int, registered at ", "shared.go:14 ",
				`"paid" removed: before, int, registered at `, "shared.go:15 ",
				"undo it with t.Cleanup",
			},
		},
		{
			test: "TestLeaksUnwatched", // the tests pass; the package fails
			want: []string{
				`rostertest: the tests left registry "codecs" (created at `,
				`"fake" added: string, registered at `, ", in TestLeaksUnwatched", "call rostertest.NoLeaks(t) first",
			},
			not: []string{"--- FAIL"},
		},
		{test: "TestClean", passes: true, want: []string{"PASS"}, not: []string{"rostertest"}},
	} {
		t.Run(tt.test, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), binary, "-test.run=^"+tt.test+"$").CombinedOutput()
			assert.Equal(t, err == nil, tt.passes)
			assert.Contains(t, string(out), tt.want...)
			for _, text := range tt.not {
				assert.True(t, !strings.Contains(string(out), text), text+" is not in:\n"+string(out))
			}
		})
	}
}
