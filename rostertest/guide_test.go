package rostertest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rostertest"
)

// The guide has a table of the rules and of what a map with a mutex makes of them.
func TestTheGuideListsTheRules(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/guide/testing.md")
	assert.NoError(t, err)
	naive := broken(rostertest.Check(newNaive))
	has := newNaive()
	var table strings.Builder
	for _, rule := range rostertest.Rules() {
		verdict := "kept"
		switch {
		case slices.Contains(naive, rule.Name):
			verdict = "**broken**"
		case rule.Needs == "Seal" && has.Seal == nil, rule.Needs == "All" && has.All == nil:
			verdict = "it has no " + rule.Needs
		case rule.Name == "duplicate-names-both":
			verdict = "it reports none"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", rule.Name, rule.Why, verdict)
	}
	assert.Contains(t, string(guide), table.String())
}
