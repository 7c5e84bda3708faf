package drive

import (
	"bytes"
	"cmp"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"slices"
)

func fixable(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Fixable })
}

// fix applies the edits of the findings, file by file.
func fix(dir string, findings []Finding, stderr io.Writer) error {
	byFile := make(map[string][]edit)
	for _, f := range findings {
		for _, e := range f.edits {
			if !slices.Contains(byFile[e.Filename], e) {
				byFile[e.Filename] = append(byFile[e.Filename], e)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		before, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("fix: %w", err)
		}
		after, ok := apply(before, byFile[name])
		if !ok {
			_, _ = fmt.Fprintf(stderr, "%s: not fixed: it would not parse any more\n", relative(dir, name))
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("fix: %w", err)
		}
		if err := os.WriteFile(name, after, info.Mode().Perm()); err != nil {
			return fmt.Errorf("fix: %w", err)
		}
	}
	return nil
}

// apply makes the edits that do not overlap an earlier one, and reports whether the result is Go.
func apply(before []byte, edits []edit) ([]byte, bool) {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.Start, b.Start) })
	var out bytes.Buffer
	done := 0
	for _, e := range edits {
		if e.Start < done || e.End < e.Start || e.End > len(before) {
			continue
		}
		out.Write(before[done:e.Start])
		out.WriteString(e.New)
		done = e.End
	}
	out.Write(before[done:])
	after := out.Bytes()
	if _, err := parser.ParseFile(token.NewFileSet(), "", after, parser.SkipObjectResolution); err != nil {
		return nil, false
	}
	if formatted, err := format.Source(before); err != nil || !bytes.Equal(formatted, before) {
		return after, true
	}
	formatted, err := format.Source(after)
	return formatted, err == nil
}
