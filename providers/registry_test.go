package providers_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/providers"
)

var (
	registryName = regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	importPath   = regexp.MustCompile(`^[a-zA-Z0-9._~-]+(/[a-zA-Z0-9._~-]+)*$`)
	exported     = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(\.[A-Z][A-Za-z0-9]*)?$`)
)

func TestRegistriesAreWellFormed(t *testing.T) {
	t.Parallel()
	all := providers.All()
	names := make([]string, 0, len(all))
	for _, r := range all {
		names = append(names, r.Name)
		assert.True(t, registryName.MatchString(r.Name), r.Name+": words in lower case with hyphens")
		assert.True(t, r.Title != "", r.Name+": a title")
		assert.True(t, importPath.MatchString(r.Package), r.Name+": an import path, not "+r.Package)
		assert.True(t, len(r.Catalogue) > 0, r.Name+": an entry")
		for _, f := range r.Register {
			assert.True(t, exported.MatchString(f), r.Name+": an exported function or method, not "+f)
		}
	}
	assert.True(t, slices.IsSorted(names), "registries sorted by name")
	assert.Equal(t, len(slices.Compact(slices.Clone(names))), len(names))
}

func TestEntriesAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, r := range providers.All() {
		names := roster.New[int](roster.Unlisted())
		for name, known := range r.Catalogue {
			assert.NoError(t, names.TryRegister(name, 0)) // a name that a registry takes
			paths := make(map[string]bool)
			for _, p := range known {
				at := r.Name + ": " + name + ": "
				assert.True(t, importPath.MatchString(p.Import), at+"an import path, not "+p.Import)
				assert.True(t, !slices.Contains(strings.Split(p.Import, "/"), "internal"), at+"a package that others may import, not "+p.Import)
				assert.True(t, p.Import != r.Package, at+"a package other than the owner")
				assert.True(t, p.Note == strings.TrimRight(p.Note, ". ") && !strings.Contains(p.Note, "\n"), at+"a note without a full stop")
				assert.True(t, !paths[p.Import], at+p.Import+" once")
				paths[p.Import] = true
			}
		}
	}
}

// Whoever gets a catalogue may change it.
func TestCataloguesAreFresh(t *testing.T) {
	t.Parallel()
	mine := providers.SQLDrivers()
	mine["postgres"][0].Import = "scribbled"
	delete(mine, "mysql")
	assert.Equal(t, providers.SQLDrivers()["postgres"][0].Import, "github.com/lib/pq")
	assert.Equal(t, len(providers.SQLDrivers()["mysql"]), 1)

	all := providers.All()
	i := slices.IndexFunc(all, func(r providers.Registry) bool { return r.Name == "sql-drivers" })
	all[i].Register[0] = "scribbled"
	all[i].Catalogue["postgres"][0].Import = "scribbled"
	assert.Equal(t, providers.All()[i].Register[0], "Register")
	assert.Equal(t, providers.All()[i].Catalogue["postgres"][0].Import, "github.com/lib/pq")
}

// An entry gets into the catalogue by a run of internal/providercheck that saw it work.
func TestEveryEntryIsVerified(t *testing.T) {
	t.Parallel()
	record, err := os.ReadFile("testdata/verified.txt")
	assert.NoError(t, err)
	type entry struct{ registry, path, name string }
	verified := make(map[entry]bool)
	for line := range strings.Lines(string(record)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		assert.True(t, len(fields) > 3, "a registry, a package, a module and names in: "+line)
		for _, name := range fields[3:] {
			verified[entry{fields[0], fields[1], name}] = true
		}
	}

	listed := make(map[entry]bool)
	packages := make(map[string]bool)
	for _, r := range providers.All() {
		for name, known := range r.Catalogue {
			for _, p := range known {
				listed[entry{r.Name, p.Import, name}] = true
				packages[p.Import] = true
			}
		}
	}
	const help = "; run the test of internal/providercheck with ROSTER_PROVIDERS=1 and -update"
	for e := range listed {
		assert.True(t, verified[e], e.registry+": "+e.name+" of "+e.path+" verified"+help)
	}
	for e := range verified {
		assert.True(t, listed[e], e.registry+": "+e.name+" of "+e.path+" in the catalogue, or out of verified.txt"+help)
	}
	assert.True(t, len(packages) >= 60, "a catalogue that is worth its name")
	t.Logf("%d registries, %d packages, %d entries", len(providers.All()), len(packages), len(listed))
}
