package roster_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// The lookups below are made while this package initialises: variables come
// before any init function, so that all of them are too early.
var (
	earlyDrivers = roster.New[int](roster.Named("drivers"), roster.Unlisted(), roster.Known(roster.Catalogue{
		"postgres": {{Import: "example.com/pq"}},
		"never":    {{Import: "example.com/never"}},
	}))
	earlyRoutes = roster.NewHot[int](roster.Named("routes"), roster.Unlisted())
	earlySealed = roster.New[int](roster.SealAtFirstUse(), roster.Unlisted())

	earlyPlace, lookedUpEarly       = here(), lookUpEarly(earlyDrivers, "postgres")
	lookedUpAgain                   = lookUpEarly(earlyDrivers, "postgres")
	lookedUpNever                   = lookUpEarly(earlyDrivers, "never")
	lookedUpUnheard                 = lookUpEarly(earlyDrivers, "unheard of")
	lookedUpHot                     = lookUpEarly(earlyRoutes, "home")
	lookedUpByScope                 = lookUpEarly(roster.NewScope(earlyDrivers, roster.Unlisted()), "postgres")
	lookedUpByGoroutine             = lookUpOnGoroutine(earlyDrivers, "postgres")
	sealedEarly                     = sealedBy(earlySealed)
	registeredEarlyAt, registerings = registerLater() // after the lookups: in the order of declaration
)

// An earlyMiss is an error of a lookup and what it said at once.
type earlyMiss struct {
	err  error
	text string
}

func lookUpEarly(view roster.View[int], name string) earlyMiss {
	_, err := view.Lookup(name)
	return earlyMiss{err, err.Error()}
}

func lookUpOnGoroutine(view roster.View[int], name string) earlyMiss {
	found := make(chan earlyMiss)
	go func() { found <- lookUpEarly(view, name) }()
	return <-found
}

func sealedBy(r *roster.Registry[int]) bool {
	r.Get("a")
	return r.TryRegister("a", 1) != nil
}

// registerLater comes after the lookups, as a provider does whose package
// initialises after the one that looks.
func registerLater() (place, []error) {
	at := here().next()
	errs := []error{earlyDrivers.TryRegister("postgres", 1), earlyRoutes.TryRegister("home", 1)}
	return at, errs
}

func TestEarlyLookupLearnsWhoRegistersTheNameLater(t *testing.T) {
	t.Parallel()
	assert.NoError(t, errors.Join(registerings...))
	e := assert.ErrorAs[*roster.UnknownError](t, lookedUpEarly.err)
	lookup, registered, early := e.Early()
	assert.True(t, early, "the lookup was made while packages initialised")
	assert.Equal(t, lookup.Function, "github.com/roster-go/roster_test.lookUpEarly")
	isAt(t, registered, registeredEarlyAt)
	assert.True(t, earlyPlace.line < registered.Line, "the test itself looked before it registered")

	// At once it could only warn; now it knows.
	assert.Contains(t, lookedUpEarly.text, "packages are still initialising", lookup.String(), `add import _ "example.com/pq"`)
	assert.Contains(t, lookedUpEarly.err.Error(), "too early", lookup.String(), registered.String(), "after main has started")

	_, registered, early = assert.ErrorAs[*roster.UnknownError](t, lookedUpAgain.err).Early()
	assert.True(t, early, "the second lookup of the name was early as well")
	isAt(t, registered, registeredEarlyAt)

	_, registered, early = assert.ErrorAs[*roster.UnknownError](t, lookedUpHot.err).Early()
	assert.True(t, early, "a hot registry tells as well")
	isAt(t, registered, registeredEarlyAt)
}

func TestEarlyLookupOfANameThatNeverComes(t *testing.T) {
	t.Parallel()
	e := assert.ErrorAs[*roster.UnknownError](t, lookedUpNever.err)
	_, registered, early := e.Early()
	assert.True(t, early && registered.IsZero(), "nobody has registered it")
	assert.Contains(t, e.Error(), `add import _ "example.com/never"`)

	e = assert.ErrorAs[*roster.UnknownError](t, lookedUpUnheard.err)
	_, registered, early = e.Early()
	assert.True(t, early && registered.IsZero(), "nobody has registered it")
	assert.Equal(t, e.Error(), lookedUpUnheard.text)
}

// When main runs, packages are no longer "still" initialising.
func TestEarlyLookupDoesNotSpeakOfInitialisationForEver(t *testing.T) {
	t.Parallel()
	text := lookedUpUnheard.err.Error()
	_, err := earlyDrivers.Lookup("unheard of")
	_, _, early := assert.ErrorAs[*roster.UnknownError](t, err).Early()
	assert.True(t, !early, "a lookup after the start is not early")
	assert.Equal(t, err.Error(), `roster: drivers: "unheard of" is not registered; registered: postgres`)
	assert.Contains(t, text, "initialising")
}

func TestEarlyLookupThroughAScope(t *testing.T) {
	t.Parallel()
	e := assert.ErrorAs[*roster.UnknownError](t, lookedUpByScope.err)
	_, registered, early := e.Early()
	assert.True(t, early, "the lookup through a scope was early")
	assert.True(t, !registered.IsZero(), "the scope's error learns who registered the name with the parent")
}

// A goroutine cannot tell whether packages initialise: its stack does not show
// it. It must not claim to know.
func TestLookupOnAGoroutineOfAnInitIsNotCalledEarly(t *testing.T) {
	t.Parallel()
	_, _, early := assert.ErrorAs[*roster.UnknownError](t, lookedUpByGoroutine.err).Early()
	assert.True(t, !early, "a lookup on another goroutine is not called early")
}

func TestSealAtFirstUseSparesInitialisation(t *testing.T) {
	t.Parallel()
	assert.True(t, !sealedEarly, "a lookup while packages initialise does not seal")
	earlySealed.Get("a")
	err := earlySealed.TryRegister("b", 1)
	assert.True(t, errors.Is(err, roster.ErrSealed), fmt.Sprint("a lookup afterwards does: ", err))
}
