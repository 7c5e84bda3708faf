// Package wiretest notices changes of what a program writes and reads.
package wiretest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Update is the environment variable that makes [Golden] write the file.
const Update = "UPDATE_GOLDEN"

// A Manifester is a wire registry.
type Manifester interface{ Manifest() string }

// Golden fails the test if the manifest of r differs from that in file, and says for each
// difference whether old data still decodes and what to do about it. With
// UPDATE_GOLDEN=1 in the environment it writes the file instead.
func Golden(tb testing.TB, r Manifester, file string) {
	tb.Helper()
	now := r.Manifest()
	if os.Getenv(Update) != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte(now), 0o600)); err != nil {
			tb.Errorf("write the manifest: %v", err)
		}
		return
	}
	before, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		tb.Errorf("there is no manifest %s yet: run the test with %s=1, and keep the file under version control", file, Update)
	case err != nil:
		tb.Errorf("read the manifest: %v", err)
	default:
		if found := compare(parse(string(before)), parse(now)); len(found) > 0 {
			tb.Errorf("what this program writes and reads is not what %s says:\n\t%s\nIf that is meant, run the test with %s=1.",
				file, strings.Join(found, "\n\t"), Update)
		}
	}
}

type entry struct {
	version string
	aliases map[string]bool
	fields  map[string]string // by path, what is there
}

func parse(manifest string) map[string]entry {
	entries := make(map[string]entry)
	var e entry
	for line := range strings.Lines(manifest) {
		line = strings.TrimRight(line, "\r\n")
		if detail, ok := strings.CutPrefix(line, "\t"); ok {
			kind, rest, _ := strings.Cut(detail, " ")
			if kind == "alias" && e.aliases != nil {
				e.aliases[rest] = true
			} else if path, what, ok := cutLast(rest); ok && e.fields != nil {
				if kind == "gob" {
					path += " in gob"
				}
				e.fields[path] = what
			}
			continue
		}
		name, version, _ := cutLast(line)
		e = entry{version: version, aliases: map[string]bool{}, fields: map[string]string{}}
		entries[name] = e
	}
	return entries
}

// differences are what a comparison found, in words.
type differences []string

func (d *differences) sayf(format string, args ...any) { *d = append(*d, fmt.Sprintf(format, args...)) }

// cutLast cuts s around its last space: names may have spaces themselves.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func compare(before, now map[string]entry) (found differences) {
	aliasOf := make(map[string]string)
	for name, e := range now {
		for alias := range e.aliases {
			aliasOf[alias] = name
		}
	}
	known := func(name string) bool { _, ok := now[name]; return ok || aliasOf[name] != "" }
	for _, name := range slices.Sorted(maps.Keys(before)) {
		is, there := now[name]
		switch {
		case there:
		case known(name):
			found.sayf("compatible: %q is an alias of %q now; programs that are older cannot read what this one writes", name, aliasOf[name])
			is = now[aliasOf[name]]
		default:
			found.sayf("BREAKING: %q is gone, and old data with it cannot be read. If its type has another name now, "+
				"register it with wire.Alias(%q)", name, name)
			continue
		}
		for _, alias := range slices.Sorted(maps.Keys(before[name].aliases)) {
			if !known(alias) {
				found.sayf("BREAKING: the alias %q of %q is gone, and old data with it cannot be read. Add wire.Alias(%q) again", alias, name, alias)
			}
		}
		found.shape(name, before[name], is)
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was := slices.ContainsFunc(slices.Collect(maps.Keys(now[name].aliases)), func(alias string) bool { return before[alias].fields != nil })
		if !was && before[name].fields == nil {
			found.sayf("compatible: %q is new", name)
		}
	}
	return found
}

// shape compares what is known of one type.
func (d *differences) shape(name string, was, is entry) {
	for _, alias := range slices.Sorted(maps.Keys(is.aliases)) {
		if !was.aliases[alias] && alias != name {
			d.sayf("compatible: %q has the alias %q now", name, alias)
		}
	}
	if was.version != is.version {
		d.sayf("compatible: %q is written as version %s now, before as %s", name, is.version, was.version)
		return
	}
	for _, path := range slices.Sorted(maps.Keys(was.fields)) {
		switch what, ok := is.fields[path]; {
		case !ok:
			d.sayf("BREAKING: the field %s of %q is gone, and what old data has there is lost. Raise wire.Version and add a wire.Upgrade", path, name)
		case what != was.fields[path]:
			d.sayf("BREAKING: the field %s of %q is %s now, before %s. Raise wire.Version and add a wire.Upgrade", path, name, what, was.fields[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(is.fields)) {
		if _, ok := was.fields[path]; !ok {
			d.sayf("compatible: the field %s of %q is new; it is zero in old data", path, name)
		}
	}
}
