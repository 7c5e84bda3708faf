package roster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	drivers := []string{"mysql", "postgres", "postgresql", "sqlite", "sqlite3", "größe"}
	for name, want := range map[string][]string{
		"posgres":                {"postgres"},               // a letter missing
		"postgers":               {"postgres"},               // neighbours swapped
		"POSTGRES":               {"postgres", "postgresql"}, // case
		"sqlite4":                {"sqlite", "sqlite3"},
		"grösse":                 {"größe"},
		"oracle":                 nil,
		"":                       nil,
		strings.Repeat("x", 100): nil,
	} {
		assert.Equal(t, roster.Nearest(name, drivers), want)
	}
	many := make([]string, 20)
	for i := range many {
		many[i] = fmt.Sprintf("driver%02d", i)
	}
	assert.Equal(t, len(roster.Nearest("driver", many)), 3)
}
