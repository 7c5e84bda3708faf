package compose

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A VersionError says that a version that was asked for is not the one that is used.
type VersionError struct {
	Module, Asked, Used string
	By                  []string // who requires the version that is used
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: --with asks for %s, and the requirements together select %s%s", e.Module, e.Asked, e.Used, indent(e.By)) +
		"\nnothing was built: ask for " + e.Used + ", or for an older version of what requires it"
}

// checkVersions refuses a build in which a version that was asked for is another, and
// notes what the host gets that it has not had.
func (p *Plan) checkVersions(ctx context.Context) error {
	after, err := p.versions(ctx)
	if err != nil {
		return p.translate(err)
	}
	graph, err := p.graph(ctx)
	if err != nil {
		return p.translate(err)
	}
	for _, provider := range p.request.Providers {
		module := moduleOf(provider.Path, after)
		if provider.pinned() && module != "" && after[module] != provider.Version {
			return &VersionError{module, provider.Version, after[module], requirers(graph, module, after[module])}
		}
	}
	linked := map[string]bool{}
	for _, pkg := range p.packages {
		if pkg.Module != nil {
			linked[pkg.Module.Path] = true
		}
	}
	byBase := map[string][]string{}
	for _, module := range slices.Sorted(maps.Keys(after)) {
		if !linked[module] {
			continue
		}
		byBase[withoutMajor(module)] = append(byBase[withoutMajor(module)], module)
		if old := p.before[module]; old != "" && old != after[module] {
			p.Notes = append(p.Notes, fmt.Sprintf("%s: the host alone has %s, and this build %s%s",
				module, old, after[module], indent(requirers(graph, module, after[module]))))
		}
	}
	for _, base := range slices.Sorted(maps.Keys(byBase)) {
		modules := byBase[base]
		isNew := slices.ContainsFunc(modules, func(m string) bool { return p.before[m] == "" })
		if len(modules) < 2 || !isNew {
			continue
		}
		var text strings.Builder
		text.WriteString(base + " is linked in two major versions, which share nothing")
		for _, module := range modules {
			fmt.Fprintf(&text, "\n  %s@%s%s", module, after[module], indent(requirers(graph, module, after[module])))
		}
		p.Notes = append(p.Notes, text.String())
	}
	return nil
}

func indent(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString("\n    " + line)
	}
	return b.String()
}

// moduleOf is the module of a package, of those of the build; "" if none has it.
func moduleOf(path string, versions map[string]string) string {
	longest := ""
	for module := range versions {
		if (path == module || strings.HasPrefix(path, module+"/")) && len(module) > len(longest) {
			longest = module
		}
	}
	return longest
}

// graph has who requires what, as "module@version" of the first and of the second.
func (p *Plan) graph(ctx context.Context) ([][2]string, error) {
	out, err := p.modOptions().Go(ctx, "mod", "graph", "-modfile="+p.modFile())
	if err != nil {
		return nil, err
	}
	var edges [][2]string
	for line := range strings.Lines(string(out)) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			edges = append(edges, [2]string{from, to})
		}
	}
	return edges, nil
}

// requirers say who requires a module in exactly the version that was selected.
func requirers(graph [][2]string, module, version string) []string {
	var by []string
	for _, edge := range graph {
		if edge[1] == module+"@"+version {
			who := edge[0]
			if !strings.Contains(who, "@") {
				who = "the build, in its go.mod,"
			}
			by = append(by, who+" requires "+edge[1])
		}
	}
	// Providers say more than the go.mod that repeats them.
	own := func(line string) bool { return strings.HasPrefix(line, "the build") }
	by = slices.Concat(slices.DeleteFunc(slices.Clone(by), own), slices.DeleteFunc(by, func(line string) bool { return !own(line) }))
	const most = 3
	if len(by) > most {
		by = append(by[:most:most], fmt.Sprintf("and %d others", len(by)-most))
	}
	return by
}

// major is how a module path ends for the versions from v2 on.
var major = regexp.MustCompile(`(?:/|\.)(v[0-9]+)$`)

func majorOf(module string) string {
	if found := major.FindStringSubmatch(module); found != nil {
		return found[1]
	}
	return ""
}

func withoutMajor(module string) string { return major.ReplaceAllString(module, "") }
