package providercheck

import (
	"cmp"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/roster-go/roster/providers"
)

const ownModule = "github.com/roster-go/roster"

var (
	update = flag.Bool("update", false, "rewrite the record of what was verified")
	only   = flag.String("module", "", "verify this module alone")
)

// claims lists what package providers says.
func claims() []claim {
	var all []claim
	for _, r := range providers.All() {
		names := make(map[string][]string)
		for name, known := range r.Catalogue {
			for _, p := range known {
				names[p.Import] = append(names[p.Import], name)
			}
		}
		for path, names := range names {
			slices.Sort(names)
			all = append(all, claim{registry: r.Name, owner: r.Package, path: path, names: names})
		}
	}
	slices.SortFunc(all, func(a, b claim) int { return cmp.Compare(a.key(), b.key()) })
	return all
}

// TestProviders verifies the standard library's providers and those of the modules in go.mod,
// and with ROSTER_PROVIDERS=1 all of them.
func TestProviders(t *testing.T) {
	pinned, err := readVersions("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	table, err := readVersions("testdata/versions.txt")
	if err != nil {
		t.Fatal(err)
	}
	for module := range pinned {
		if _, twice := table[module]; twice {
			t.Errorf("%s is in testdata/versions.txt and in go.mod: take it out of versions.txt", module)
		}
	}

	record := &recorder{t: t}
	record.lines, err = readRecord()
	if err != nil {
		t.Fatal(err)
	}
	all := claims()
	everything := maps.Clone(table)
	maps.Copy(everything, pinned)
	groups := make(map[string][]claim) // by module; those of pinned modules are one group
	for _, c := range all {
		module, ok := everything.moduleOf(c.path)
		if !ok {
			t.Errorf("%s: no line of testdata/versions.txt says which module it is of", c.path)
			continue
		}
		if owner, _ := everything.moduleOf(c.owner); isPinned(pinned, module) && isPinned(pinned, owner) {
			module = ""
		}
		groups[module] = append(groups[module], c)
	}

	if *only == "" {
		t.Run("pinned", func(t *testing.T) {
			w, err := newPinnedWorkshop(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			record.add(verify(t, w, everything, groups[""], all))
		})
	}
	if os.Getenv("ROSTER_PROVIDERS") != "" || *only != "" {
		for _, module := range slices.Sorted(maps.Keys(groups)) {
			if module == "" || *only != "" && *only != module {
				continue
			}
			t.Run(module, func(t *testing.T) {
				modules := []string{module}
				for _, c := range groups[module] {
					owner, ok := everything.moduleOf(c.owner)
					if !ok {
						t.Fatalf("%s: no line of testdata/versions.txt says which module it is of", c.owner)
					}
					modules = append(modules, owner)
				}
				slices.Sort(modules)
				w, err := newWorkshop(t.TempDir(), everything, slices.Compact(modules)...)
				if err != nil {
					t.Fatal(err)
				}
				record.add(verify(t, w, everything, groups[module], all))
			})
		}
	}
	record.compare(all)
}

func isPinned(pinned versions, module string) bool {
	_, ok := pinned[module]
	return ok || module == stdlib
}

// verify returns a line of the record for each claim of the group, all of which must hold. None
// may take credit for what another of all claims says.
func verify(t *testing.T, w *workshop, pinned versions, group, all []claim) []string {
	t.Helper()
	candidates := make(map[string][]string)
	var programs []program
	var paths []string
	for _, c := range group {
		candidates[c.registry] = append(candidates[c.registry], c.names...)
		programs = append(programs, program{registry: c.registry}, program{registry: c.registry, path: c.path})
		paths = append(paths, c.path)
	}
	slices.SortFunc(programs, func(a, b program) int {
		return cmp.Or(cmp.Compare(a.registry, b.registry), cmp.Compare(a.path, b.path))
	})
	seen, err := w.ask(t.Context(), slices.Compact(programs), candidates)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	deps, err := w.dependencies(t.Context(), slices.Compact(paths))
	if err != nil {
		t.Fatal(err)
	}

	lines := make([]string, 0, len(group))
	for _, c := range group {
		without, with := seen[program{registry: c.registry}], seen[program{registry: c.registry, path: c.path}]
		holds := true
		for _, name := range c.names {
			if slices.Contains(without, name) {
				t.Errorf("%s: %q is there without import _ %q", c.registry, name, c.path)
				holds = false
			}
			if !slices.Contains(with, name) {
				t.Errorf("%s: import _ %q does not register %q, only %q", c.registry, c.path, name, with)
				holds = false
			}
		}
		for _, other := range all {
			if other.registry == c.registry && slices.Contains(deps[c.path], other.path) && overlap(other.names, c.names) {
				t.Errorf("%s: %q imports %q, which registers the name: the catalogue is to list that one alone", c.registry, c.path, other.path)
				holds = false
			}
		}
		if holds {
			module, _ := pinned.moduleOf(c.path)
			lines = append(lines, c.line(pinned.at(module)))
		}
	}
	t.Logf("%d packages, %d programs", len(deps), len(seen))
	return lines
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// A recorder compares what was verified with the record, or brings it up to date.
type recorder struct {
	t     *testing.T
	lines []string // of the file
	new   []string // of this run
}

func (r *recorder) add(lines []string) { r.new = append(r.new, lines...) }

func (r *recorder) compare(all []claim) {
	r.t.Helper()
	if *update {
		if err := writeRecord(r.new, all); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	for _, line := range r.new {
		if !slices.Contains(r.lines, line) {
			r.t.Errorf("%s does not have this line: run the test with -update\n%s", verifiedFile, line)
		}
	}
}

// A probe without a registry, or a registry without a probe, is a slip of a name.
func TestEveryRegistryHasAProbe(t *testing.T) {
	entries, err := os.ReadDir("testdata/probes")
	if err != nil {
		t.Fatal(err)
	}
	probes := make([]string, 0, len(entries))
	for _, e := range entries {
		probes = append(probes, e.Name())
	}
	var names []string
	for _, r := range providers.All() {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, probes) {
		t.Errorf("registries: %q\nprobes:     %q", names, probes)
	}
}
