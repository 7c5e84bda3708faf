package drive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/roster-go/roster/vet"
)

// A Finding is what one analyzer says about one place.
type Finding struct {
	Analyzer string `json:"analyzer"`
	File     string `json:"file"` // relative to the folder that was looked at, if it is below it; with slashes
	Line     int    `json:"line"`
	Column   int    `json:"column"` // in bytes, from 1
	Message  string `json:"message"`
	URL      string `json:"url"`     // explains the analyzer
	Fixable  bool   `json:"fixable"` // -fix mends it

	fix   string // what the fix does, as a phrase
	edits []edit
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Analyzer, f.Message)
}

// An edit replaces the bytes from Start to End of a file.
type edit struct {
	Filename string `json:"filename"`
	Start    int    `json:"start"`
	End      int    `json:"end"`
	New      string `json:"new"`
}

// vetDiagnostic is a finding as go vet -json writes it.
type vetDiagnostic struct {
	Posn           string `json:"posn"`
	Message        string `json:"message"`
	SuggestedFixes []struct {
		Message string `json:"message"`
		Edits   []edit `json:"edits"`
	} `json:"suggested_fixes"`
}

// readFindings reads what go vet -json wrote: one object for each package, from its import path to its
// analyzers to their findings, or to an error of the analyzer.
func readFindings(from io.Reader, dir string) ([]Finding, error) {
	urls := make(map[string]string)
	for _, a := range vet.Analyzers() {
		urls[a.Name] = a.URL
	}
	var findings []Finding
	dec := json.NewDecoder(from)
	for {
		var packages map[string]map[string]json.RawMessage
		if err := dec.Decode(&packages); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read what go vet found: %w", err)
		}
		for path, analyzers := range packages {
			for name, raw := range analyzers {
				var list []vetDiagnostic
				if err := json.Unmarshal(raw, &list); err != nil {
					return nil, fmt.Errorf("analyzer %s failed on %s: %s", name, path, raw)
				}
				for _, d := range list {
					f := d.finding(dir)
					f.Analyzer, f.URL = name, urls[name]
					findings = append(findings, f)
				}
			}
		}
	}
	slices.SortFunc(findings, compareFindings)
	// A package and its variant with tests have the same findings.
	return slices.CompactFunc(findings, func(a, b Finding) bool { return compareFindings(a, b) == 0 }), nil
}

func compareFindings(a, b Finding) int {
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	if a.Column != b.Column {
		return a.Column - b.Column
	}
	if c := strings.Compare(a.Analyzer, b.Analyzer); c != 0 {
		return c
	}
	return strings.Compare(a.Message, b.Message)
}

func (d vetDiagnostic) finding(dir string) Finding {
	file, line, column := splitPosition(d.Posn)
	f := Finding{File: relative(dir, file), Line: line, Column: column, Message: d.Message}
	if len(d.SuggestedFixes) > 0 && len(d.SuggestedFixes[0].Edits) > 0 {
		f.Fixable, f.fix, f.edits = true, d.SuggestedFixes[0].Message, d.SuggestedFixes[0].Edits
	}
	return f
}

// splitPosition splits file:line:column; a file's name may have a colon in it.
func splitPosition(posn string) (file string, line, column int) {
	file = posn
	var numbers []int
	for range 2 {
		i := strings.LastIndexByte(file, ':')
		if i < 0 {
			break
		}
		n, err := strconv.Atoi(file[i+1:])
		if err != nil {
			break
		}
		numbers = append(numbers, n)
		file = file[:i]
	}
	switch len(numbers) {
	case 2:
		return file, numbers[1], numbers[0]
	case 1:
		return file, numbers[0], 0
	}
	return posn, 0, 0
}

// relative is a file as seen from dir, unless it is elsewhere.
func relative(dir, file string) string {
	if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(file)
}
