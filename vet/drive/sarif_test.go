package drive_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// TestSARIFCountsAsEditorsDo: columns are UTF-16 code units, and what a fix replaces is what -fix replaces.
func TestSARIFCountsAsEditorsDo(t *testing.T) {
	const source = "package main\n\nimport \"encoding/gob\"\n\ntype Order struct{}\n\n" +
		"func init() { /* é, 😀 */ gob.Register(Order{}) }\n\nfunc main() {}\n"
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.com/orders\n\ngo 1.26\n")
	write(t, dir, "a b.go", source)
	code, out, errs := rosterVet(t, dir, "-format=sarif")
	if code != 1 || errs != "" {
		t.Fatalf("exit code %d, %q", code, errs)
	}
	type region struct{ StartLine, StartColumn, EndLine, EndColumn int }
	type artifact struct{ URI, URIBaseID string }
	var log struct {
		Runs []struct {
			ColumnKind string
			Results    []struct {
				Locations []struct{ PhysicalLocation struct{ Region region } }
				Fixes     []struct {
					Description     struct{ Text string }
					ArtifactChanges []struct {
						ArtifactLocation artifact
						Replacements     []struct {
							DeletedRegion   region
							InsertedContent struct{ Text string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 || log.Runs[0].ColumnKind != "utf16CodeUnits" || len(log.Runs[0].Results) != 1 || len(log.Runs[0].Results[0].Fixes) != 1 {
		t.Fatalf("%s", out)
	}
	result := log.Runs[0].Results[0]
	line := strings.Split(source, "\n")[6]
	before, _, _ := strings.Cut(line, "gob.")
	if at := result.Locations[0].PhysicalLocation.Region; at.StartLine != 7 || at.StartColumn != len(utf16.Encode([]rune(before)))+1 {
		t.Errorf("found at %+v", at)
	}

	fix := result.Fixes[0]
	if fix.Description.Text == "" || len(fix.ArtifactChanges) != 1 || fix.ArtifactChanges[0].ArtifactLocation != (artifact{"a%20b.go", "%SRCROOT%"}) {
		t.Fatalf("fix %+v", fix)
	}
	text := source
	replacements := fix.ArtifactChanges[0].Replacements
	for _, r := range slices.Backward(replacements) { // the last first, so that the others stay where they are
		at := r.DeletedRegion
		start, end := offset(text, at.StartLine, at.StartColumn), offset(text, at.EndLine, at.EndColumn)
		text = text[:start] + r.InsertedContent.Text + text[end:]
	}
	if code, _, errs := rosterVet(t, dir, "-fix"); code != 0 {
		t.Fatalf("exit code %d, %q", code, errs)
	}
	fixed, err := os.ReadFile(filepath.Join(dir, "a b.go"))
	if err != nil {
		t.Fatal(err)
	}
	if text != string(fixed) {
		t.Errorf("by the report\n%s\nby -fix\n%s", text, fixed)
	}
}

// offset is where a line and a column in UTF-16 code units are, in bytes.
func offset(text string, line, column int) int {
	at := 0
	for range line - 1 {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	for units := 1; units < column; {
		r, size := utf8.DecodeRuneInString(text[at:])
		units += utf16.RuneLen(r)
		at += size
	}
	return at
}
