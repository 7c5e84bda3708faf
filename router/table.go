package router

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/roster-go/roster"
)

// A table is all routes of one version.
type table struct {
	hosts   map[string]methods
	anyHost methods
}

// methods are the trees of one host, by method; "" is for every method.
type methods []methodTree

type methodTree struct {
	method string
	root   *node
}

// A target is what serves a route, in both forms if it has them.
type target struct {
	handler http.Handler
	params  ParamsHandler // or nil
}

// maxConflicts bounds how many conflicts of one write are reported.
const maxConflicts = 20

// buildTable is the function that makes the index of a router's registry.
func buildTable(last *table, next *roster.Edition[http.Handler]) (*table, error) {
	t := &table{}
	if last != nil {
		t.hosts, t.anyHost = maps.Clone(last.hosts), slices.Clone(last.anyHost)
	}
	b := new(build)
	change := next.Change()
	for _, name := range change.Removed {
		p, err := parseName(next, name)
		if err != nil {
			return nil, err
		}
		t.set(b, p, nil)
	}
	for _, name := range change.Replaced {
		p, err := parseName(next, name)
		if err != nil {
			return nil, err
		}
		t.set(b, p, newLeaf(p, next))
	}
	var faults []error
	for _, name := range change.Added {
		p, err := parseName(next, name)
		if err != nil {
			faults = append(faults, err)
		} else if q := t.conflicting(p); q != nil {
			faults = append(faults, conflict(p, q, next))
		} else {
			t.set(b, p, newLeaf(p, next))
		}
		if len(faults) == maxConflicts {
			break
		}
	}
	return t, errors.Join(faults...)
}

func parseName(next *roster.Edition[http.Handler], name string) (*pattern, error) {
	p, err := parse(name)
	if err == nil && p.text != name {
		err = &PatternError{Pattern: name, Fault: fmt.Sprintf("in the registry it is written %q", p.text)}
		if _, twice := next.Get(p.text); twice {
			err.Fault = fmt.Sprintf("it is %q written in another way, and that is there as well; remove one of them", p.text)
		}
	}
	if err != nil {
		err.Registry, err.Site = next.Name(), next.Claim(name).Site
		return nil, err
	}
	return p, nil
}

func newLeaf(p *pattern, next *roster.Edition[http.Handler]) *leaf {
	h, _ := next.Get(p.text)
	l := &leaf{pattern: p, target: target{handler: h}, tally: next.Tally(p.text)}
	l.params, _ = h.(ParamsHandler)
	return l
}

func (t *table) of(host string) methods {
	if host == "" {
		return t.anyHost
	}
	return t.hosts[host]
}

// set makes l, which may be nil, the leaf of p.
func (t *table) set(b *build, p *pattern, l *leaf) {
	m := slices.Clone(t.of(p.host))
	i := slices.IndexFunc(m, func(tree methodTree) bool { return tree.method == p.method })
	if i < 0 {
		m, i = append(m, methodTree{method: p.method}), len(m)
	}
	m[i].root = m[i].root.with(b, p.steps(), l)
	if m[i].root == nil {
		m = slices.Delete(m, i, i+1)
	}
	switch {
	case p.host == "":
		t.anyHost = m
	case len(m) == 0:
		delete(t.hosts, p.host)
	default:
		if t.hosts == nil {
			t.hosts = make(map[string]methods)
		}
		t.hosts[p.host] = m
	}
}

// conflicting returns a pattern that p conflicts with, or nil.
func (t *table) conflicting(p *pattern) *pattern {
	var found *pattern
	for _, tree := range t.of(p.host) {
		if methodRelation(p.method, tree.method) == disjoint {
			continue
		}
		root, ok := tree.root.entered().follow("/")
		if !ok {
			continue
		}
		root.meet(p.segments, func(l *leaf) {
			if r := p.against(l.pattern); found == nil && (r == same || r == crossing) {
				found = l.pattern
			}
		})
	}
	return found
}

// candidates calls try with the trees that may serve a request, the most specific
// one first, until it returns true.
func (t *table) candidates(host, method string, try func(root *node) bool) {
	if host != "" && len(t.hosts) > 0 {
		if t.hosts[host].candidates(method, try) {
			return
		}
	}
	t.anyHost.candidates(method, try)
}

func (m methods) candidates(method string, try func(root *node) bool) bool {
	if root := m.tree(method); root != nil && try(root) {
		return true
	}
	if method == http.MethodHead {
		if root := m.tree(http.MethodGet); root != nil && try(root) {
			return true
		}
	}
	root := m.tree("")
	return root != nil && try(root)
}

func (m methods) tree(method string) *node {
	for i := range m {
		if m[i].method == method {
			return m[i].root
		}
	}
	return nil
}

// allowed lists the methods that path has a route for, if need be with a slash
// behind it, sorted.
func (t *table) allowed(host, path string) []string {
	var found spans
	var allowed []string
	for _, m := range []methods{t.hosts[host], t.anyHost} {
		for _, tree := range m {
			if tree.method != "" && (tree.root.match(path, 0, &found, 0) != nil || tree.root.endsWithSlash(path, 0)) {
				allowed = append(allowed, tree.method)
				if tree.method == http.MethodGet {
					allowed = append(allowed, http.MethodHead)
				}
			}
		}
	}
	slices.Sort(allowed)
	return slices.Compact(allowed)
}
