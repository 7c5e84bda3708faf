package roster_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func drivers() roster.Catalogue {
	return roster.Catalogue{
		"postgres": {{Import: "github.com/lib/pq"}, {Import: "example.com/other", Note: "needs cgo"}},
		"sqlite3":  {{Import: "github.com/mattn/go-sqlite3", Note: "needs cgo"}},
	}
}

func TestKnownNamesTheImport(t *testing.T) {
	t.Parallel()
	for kind, view := range map[string]interface {
		roster.View[int]
		Register(name string, v int)
	}{
		"registry": roster.New[int](roster.Known(drivers()), quiet()),
		"hot":      roster.NewHot[int](roster.Known(drivers()), quiet()),
		"scope":    roster.NewScope(roster.New[int](quiet()), roster.Known(drivers()), quiet()),
	} {
		_, err := view.Lookup("postgres")
		e := assert.ErrorAs[*roster.UnknownError](t, err)
		assert.Equal(t, e.Providers, drivers()["postgres"])
		assert.Equal(t, e.Suggested, "")
		assert.Contains(t, err.Error(), `add import _ "github.com/lib/pq" or import _ "example.com/other" (needs cgo)`)

		_, err = view.Lookup("postgers")
		e = assert.ErrorAs[*roster.UnknownError](t, err)
		assert.Equal(t, e.Suggested, "postgres")
		assert.Equal(t, e.Providers, drivers()["postgres"])
		assert.Contains(t, err.Error(), `to register "postgres" add import _ "github.com/lib/pq"`)

		_, err = view.Lookup("oracle")
		e = assert.ErrorAs[*roster.UnknownError](t, err)
		assert.Equal(t, len(e.Providers), 0)

		view.Register("postgres", 1)
		_, err = view.Lookup("postgers") // the one that is there is the better guess
		e = assert.ErrorAs[*roster.UnknownError](t, err)
		assert.True(t, slices.Equal(e.Nearest, []string{"postgres"}) && e.Suggested == "" && e.Providers == nil,
			kind+": a name that is there needs no import")
	}
}

func TestKnownMerges(t *testing.T) {
	t.Parallel()
	mine := roster.Catalogue{"postgres": {{Import: "example.com/ours"}}, "mine": {{Import: "example.com/mine"}}}
	r := roster.New[int](roster.Known(drivers()), roster.Known(mine), roster.Known(nil), quiet())
	// The registry has its own copy.
	mine["postgres"][0].Import = "scribbled"
	mine["mine"] = nil
	for name, want := range map[string]string{
		"postgres": "example.com/ours", // the last catalogue counts
		"mine":     "example.com/mine",
		"sqlite3":  "github.com/mattn/go-sqlite3",
	} {
		_, err := r.Lookup(name)
		assert.Equal(t, assert.ErrorAs[*roster.UnknownError](t, err).Providers[0].Import, want)
	}
}

// What a caller does to an error must not change the advice others get.
func TestKnownIsNotTheErrorsToChange(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Known(drivers()), quiet())
	_, err := r.Lookup("postgres")
	assert.ErrorAs[*roster.UnknownError](t, err).Providers[0].Import = "scribbled"
	_, err = r.Lookup("postgres")
	assert.Equal(t, assert.ErrorAs[*roster.UnknownError](t, err).Providers[0].Import, "github.com/lib/pq")
}

// A catalogue is advice: it neither registers nor resolves.
func TestKnownRegistersNothing(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Known(drivers()), quiet())
	_, ok := r.Get("postgres")
	assert.True(t, !ok && r.Len() == 0 && len(r.Names()) == 0, "nothing is there")
	r.Register("postgres", 1)
	_, err := r.Lookup("postgres")
	assert.NoError(t, err)
	_, err = r.Lookup("sqlite3")
	assert.True(t, errors.Is(err, roster.ErrUnknown), "sqlite3 is known and not registered")
}
